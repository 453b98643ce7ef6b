//! The list behind `make sources`: what can be typed or is shown without anybody having shown it.

use super::*;
use crate::base::source::Source;
use crate::cli::asa::{ASA, MODULE};
use crate::proto::config::schema::Class;

/// Lists scopes and commands of a shell, `mio /security: set ...`.
fn typed<X: World>(shell: &'static Shell<X>) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = vec![(String::new(), shell.root)];
    while let Some((path, scope)) = rest.pop() {
        let blank = if path.is_empty() { "" } else { " " };
        let place = format!("{}{blank}{path}", shell.name);
        if !path.is_empty() && scope.source == Source::Recall {
            found.push(format!("{place}: scope"));
        }
        let common = if path.is_empty() { shell.common } else { &[] };
        let commands = scope.all_commands().chain(common.iter().flat_map(|table| table.iter()));
        let recalled = commands.filter(|command| command.source == Source::Recall);
        found.extend(recalled.map(|command| format!("{place}: {}", command.syntax)));
        rest.extend(scope.scopes.iter().map(|s| (format!("{path}/{}", s.name()), *s)));
    }
    found
}

/// Lists values that are shown and not typed.
fn shown(class: &'static Class, path: &str) -> Vec<String> {
    let facts = class.properties.iter().filter(|p| p.verb == schema::Verb::Fact);
    let recalled = facts.filter(|p| p.source == Source::Recall);
    let mut found: Vec<_> = recalled.map(|p| format!("mio {path}: `{}:`", p.label)).collect();
    for child in class.children {
        found.extend(shown(child, &format!("{path}/{}", child.name)));
    }
    found
}

#[test]
#[ignore = "prints the list of `make sources`"]
fn by_recall() {
    let mut lines = shown(&schema::ROOT, "");
    lines.extend(typed(&MIO));
    for shell in [&LOCAL_MGMT, &FXOS, &parts::CIMC] {
        lines.extend(typed(shell));
    }
    lines.extend(typed(&ASA));
    lines.extend(typed(&MODULE));
    lines.sort();
    lines.dedup();
    for line in lines {
        println!("{line}");
    }
}
