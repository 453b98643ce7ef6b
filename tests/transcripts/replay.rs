//! Typing a transcript again: what stands behind a prompt is typed, `@` lines act on the world.

use crate::world::{Setup, World};

/// Keys of the head that are for a reader.
const FOR_A_READER: [&str; 2] = ["source", "note"];

/// Whose words a transcript has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Ours,
    /// The seed's, a device's or a client's.
    Foreign,
}

/// Reads `# source:`.
///
/// # Errors
/// When the line is missing or names no source.
pub fn origin(text: &str) -> Result<Origin, String> {
    let source = head(text).find_map(|line| line.strip_prefix("# source: "));
    let word = source.map(|source| source.split([',', ' ']).next().unwrap_or_default());
    match word {
        Some("ours") => Ok(Origin::Ours),
        Some("seed" | "device" | "client") => Ok(Origin::Foreign),
        Some(_) | None => Err("`# source:` is seed, device, client or ours".to_owned()),
    }
}

fn head(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| line.starts_with('#'))
}

/// Types a transcript again; returns it as the terminal has it now.
///
/// # Errors
/// A line that cannot be carried out, with its number.
pub fn replay(text: &str) -> Result<String, String> {
    let setup = Setup::parse(head(text), &FOR_A_READER)?;
    let mut world = World::new(setup);
    let mut shown = String::new();
    let mut show = |line: &str| {
        shown.push_str(line);
        shown.push('\n');
    };
    head(text).for_each(&mut show);
    for (number, line) in (1..).zip(text.lines()).skip(head(text).count()) {
        let fault = |fault| format!("line {number}: {fault}");
        let prompt = world.prompt();
        if let Some(words) = line.strip_prefix("@ ") {
            show(line);
            world.act(words).map_err(fault)?;
        } else if let Some(typed) = line.strip_prefix(&*prompt).filter(|_| !prompt.is_empty()) {
            world.enter(typed).map_err(fault)?;
        } else if looks_typed(line) {
            return Err(fault(format!(
                "nothing asks for `{line}`: the terminal stands at `{prompt}`"
            )));
        }
        world.shown().iter().for_each(|line| show(line));
    }
    Ok(shown)
}

/// Tells a line with a command behind a prompt, of whatever shell, from one of output.
fn looks_typed(line: &str) -> bool {
    let behind = |end: &str| line.split_once(end).filter(|(_, typed)| !typed.trim().is_empty());
    let host = |text: &str| {
        let mut parts = text.splitn(2, " /");
        let name = parts.next().unwrap_or_default();
        let path = parts.next().unwrap_or_default();
        !name.is_empty() && !(name.to_owned() + path).contains([' ', '<', ':'])
    };
    ["# ", " # ", "> ", ">"].iter().filter_map(|end| behind(end)).any(|(name, _)| host(name))
}
