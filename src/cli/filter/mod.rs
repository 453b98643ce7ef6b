//! The pipes behind a command: `| include X | count`.

/// A filter, by its keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Include,
    Exclude,
    Begin,
    End,
    Count,
    Egrep,
    Grep,
    Head,
    Last,
    Less,
    NoMore,
    Sort,
    Tr,
    Uniq,
    Wc,
    Cut,
}

impl Name {
    /// Every filter, in the order that `| ?` lists them.
    pub const ALL: [Name; 16] = [
        Name::Begin,
        Name::Count,
        Name::Cut,
        Name::Egrep,
        Name::End,
        Name::Exclude,
        Name::Grep,
        Name::Head,
        Name::Include,
        Name::Last,
        Name::Less,
        Name::NoMore,
        Name::Sort,
        Name::Tr,
        Name::Uniq,
        Name::Wc,
    ];
}
