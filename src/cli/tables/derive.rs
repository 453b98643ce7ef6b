//! The scopes and commands that follow from the schema.
//!
//! Every class is a scope with `set`, `enable`, `create`, `delete` and `show`; a [`Table`] adds what
//! the schema does not say. What a table adds goes before what is derived, so that one row replaces a
//! derived command of the same words.

use super::super::call::Call;
use super::super::grammar::{Command, Need, Refusal, Scope, Verb};
use super::edit;
use super::notation::{Notation, leak, leak_all};
use super::view;
use crate::base::source::Source;
use crate::cli::show::listing;
use crate::proto::config::schema::{Class, Origin, Property, Verb as Way};
use crate::proto::mio::Mio;

/// What is special about one scope.
pub(super) struct Table {
    /// Name of the class.
    pub(super) class: &'static str,
    pub(super) commands: &'static [Command<Mio>],
    pub(super) scopes: &'static [&'static Table],
}

impl Table {
    /// For `..Table::EMPTY` in a table.
    pub(super) const EMPTY: Table = Table { class: "", commands: &[], scopes: &[] };
}

const SET: &str = "Set property values";
const ENABLE: &str = "Enables services";
const DISABLE: &str = "Disables services";
const SHOW: &str = "Show running system information";
const DETAIL: (&str, &str) = ("detail", "Detail");
const EXPAND: (&str, &str) = ("expand", "Expand");

/// Makes the scope of a class, its commands and all scopes below it.
pub(super) fn scope(class: &'static Class, table: &'static Table) -> Scope<Mio> {
    scope_of(class, Some(table), Need::Write)
}

fn scope_of(class: &'static Class, table: Option<&'static Table>, need: Need) -> Scope<Mio> {
    let mut scopes: Vec<&'static Scope<Mio>> = Vec::new();
    for child in class.children.iter().filter(|child| child.mode) {
        let below = table.and_then(|table| table.scopes.iter().find(|t| t.class == child.name));
        let need = need_of(child, need);
        let inner = scope_of(child, below.copied(), need);
        scopes.extend(entrances(child, inner));
    }
    let own = table.map_or(&[][..], |table| table.commands);
    let derived = leak_all(commands(class, need));
    Scope {
        commands: own,
        includes: leak_all(vec![derived]),
        scopes: leak_all(scopes),
        edits: need,
        source: class.source,
        open: edit::open,
        ..Scope::FIXED
    }
}

/// Returns what the session's role must allow to change objects of a class.
///
/// # Source
/// Vendor's configuration guide, user roles: accounts and authentication are the affair of aaa; NTP,
/// Smart Call Home and system logs that of operations.
fn need_of(class: &Class, around: Need) -> Need {
    match class.name {
        "security" => Need::Accounts,
        "keyring" | "trustpoint" => Need::Write,
        "callhome" | "monitoring" | "ntp-server" => Need::Operate,
        _ => around,
    }
}

/// Returns the derived commands of a scope that only look.
pub(super) fn shows_of(scope: &'static Scope<Mio>) -> &'static [Command<Mio>] {
    let looks = |command: &&Command<Mio>| command.syntax.starts_with("show ");
    let shows = scope.all_commands().filter(looks).map(|command| Command { ..*command });
    leak_all(shows.collect())
}

/// Returns a scope as it can be named: by its keys, or, to make one that is born with more, by its
/// keys and that.
fn entrances(class: &'static Class, inner: Scope<Mio>) -> Vec<&'static Scope<Mio>> {
    let plain = Notation::default().words(class.name, class.title).keys(class);
    let entrance = |notation: Notation, verbs: &'static [Verb]| {
        let (syntax, help) = notation.finish();
        let made: &'static Scope<Mio> = Box::leak(Box::new(Scope { syntax, help, verbs, ..inner }));
        made
    };
    match class.origin {
        Origin::Single | Origin::Hardware | Origin::Derived => {
            vec![entrance(plain, Verb::FIXED)]
        }
        Origin::Stock => vec![entrance(plain, &[Verb::Scope, Verb::Enter, Verb::Delete])],
        Origin::Operator { .. } if class.born_with.is_empty() => vec![entrance(plain, Verb::ALL)],
        Origin::Operator { .. } => {
            let whole = plain.clone().born(class);
            vec![
                entrance(plain, &[Verb::Scope, Verb::Delete]),
                entrance(whole, &[Verb::Enter, Verb::Create]),
            ]
        }
    }
}

/// Returns the commands of a class.
fn commands(class: &'static Class, need: Need) -> Vec<Command<Mio>> {
    let mut found = Vec::new();
    for property in class.properties {
        let line = class.line_of(property);
        match (property.verb, property.group) {
            (Way::Set, Some(group)) => {
                // The line of a group is its first member's.
                if line.first().is_some_and(|first| first.id() == property.id()) {
                    let notation = Notation::default().words("set", SET).words(group, "");
                    found.push((notation.members(&line), property.source, edit::set_group as Run));
                }
            }
            (Way::Set, None) => found.push((setter(property), property.source, edit::set_property)),
            (Way::Enable, _) => {
                let verbs = [("enable", ENABLE), ("disable", DISABLE)];
                let notation = Notation::default().choice(&verbs);
                let notation = notation.words(property.words, property.label);
                found.push((notation, property.source, edit::switch_property));
            }
            (Way::Create, _) => {
                let verbs = [Verb::Create, Verb::Delete].map(|verb| (verb.word(), verb.help()));
                let notation = Notation::default().choice(&verbs);
                let notation = notation.words(property.words, property.label);
                found.push((notation, property.source, edit::switch_property));
            }
            (Way::Act, _) => {
                let notation = Notation::default().words(property.words, property.label);
                found.push((notation, property.source, edit::act));
            }
            (Way::Fact, _) => {}
        }
    }
    found.extend(class.children.iter().filter_map(|child| modeless(child)));
    let writes = found.into_iter().map(|(notation, source, run)| {
        let (syntax, help) = notation.finish();
        Command { syntax, help, source, run, need, ..Command::WRITE }
    });
    writes.chain(shows(class)).collect()
}

type Run = fn(&mut Mio, &mut Call<'_, Mio>) -> Result<(), Refusal>;

/// `set WORDS VALUE`; what is asked for is not typed in the line.
fn setter(property: &'static Property) -> Notation {
    let notation = Notation::default().words("set", SET).words(property.words, property.label);
    if property.question.is_some() {
        return notation;
    }
    notation.value("VALUE", &property.kind, property.label, property.is_clearable())
}

/// `{create | enter | delete} CLASS KEYS` of a class that is no mode.
fn modeless(class: &'static Class) -> Option<(Notation, Source, Run)> {
    let verbs: &[Verb] = match (class.mode, class.origin) {
        (false, Origin::Operator { .. }) => &[Verb::Create, Verb::Enter, Verb::Delete],
        (false, Origin::Stock) => &[Verb::Delete],
        _ => return None,
    };
    let verbs: Vec<_> = verbs.iter().map(|verb| (verb.word(), verb.help())).collect();
    let notation = Notation::default().choice(&verbs).words(class.name, class.title).keys(class);
    Some((notation, class.source, edit::edit_object))
}

/// `show`, `show CLASS [KEYS]` and `show WORD`.
fn shows(class: &'static Class) -> Vec<Command<Mio>> {
    let show = || Notation::default().words("show", SHOW);
    let read = |notation: Notation, source: Source, run: Run| {
        let (syntax, help) = notation.finish();
        Command { syntax, help, source, run, ..Command::READ }
    };
    let mut found = Vec::new();
    if !class.name.is_empty() && listing::is_listed(class) {
        found.push(read(show().options(&[DETAIL, EXPAND]), class.source, show_here));
    }
    for child in class.children.iter().filter(|child| listing::is_listed(child)) {
        let notation = show().words(child.name, child.title).some_keys(child);
        found.push(read(notation.options(&[DETAIL, EXPAND]), child.source, show_children));
    }
    if class.listing.sections {
        for word in listing::section_words(class) {
            let word = leak(word.to_owned());
            found.push(read(show().words(word, "").options(&[DETAIL]), class.source, show_section));
        }
    }
    found
}

fn form(call: &Call<'_, Mio>) -> listing::Form {
    listing::Form { detail: call.args.has("detail"), expand: call.args.has("expand") }
}

fn show_here(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let path = edit::path_of(call.place)?;
    let text = listing::object(view(mio, call), &path, form(call));
    call.out.push_str(&text);
    Ok(())
}

/// Lists the objects of a class below where the session stands, or at the top.
fn show_children(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let name = call.args.words().get(1).copied().unwrap_or_default();
    let mut parent = edit::path_of(call.place)?;
    if parent.class().child(name).is_none() {
        parent = crate::proto::config::Path::root();
    }
    let text = children(mio, call, &parent, name)?;
    call.out.push_str(&text);
    Ok(())
}

/// Lists the objects of a class below `parent` whose keys begin as those typed.
///
/// # Errors
/// The device's words for a key that is no value, and for an object named in full that is not there.
pub(super) fn children(
    mio: &Mio,
    call: &Call<'_, Mio>,
    parent: &crate::proto::config::Path,
    name: &str,
) -> Result<String, Refusal> {
    let Some(class) = parent.class().child(name) else { return Ok(String::new()) };
    let view = view(mio, call);
    let typed = edit::keys_of(class, call.args, 2)?;
    let mut paths = view.objects.children(parent, name);
    paths.retain(|path| path.key().starts_with(&typed));
    if paths.is_empty() && !typed.is_empty() {
        return Err(Refusal::denied("Error: Managed object does not exist"));
    }
    Ok(listing::objects(view, &paths, form(call)))
}

fn show_section(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let path = edit::path_of(call.place)?;
    let word = call.args.words().get(1).copied().unwrap_or_default();
    let text = listing::section(view(mio, call), &path, word);
    call.out.push_str(&text);
    Ok(())
}
