//! The schema as a tree of scopes.

use super::*;

#[test]
fn every_mode_of_the_schema_is_a_scope_and_every_scope_a_class() {
    let mut rest = vec![(&schema::ROOT, MIO.root)];
    let mut seen = 0;
    while let Some((class, scope)) = rest.pop() {
        for child in class.children.iter().filter(|child| child.mode) {
            let scopes: Vec<_> = scope.scopes.iter().filter(|s| s.name() == child.name).collect();
            assert!(!scopes.is_empty(), "{} has no scope {}", class.name, child.name);
            rest.extend(scopes.into_iter().map(|scope| (*child, *scope)));
            seen += 1;
        }
        for inner in scope.scopes {
            assert!(class.child(inner.name()).is_some(), "{} has no {}", class.name, inner.name());
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn every_table_is_of_a_class() {
    let mut rest = vec![(&schema::ROOT, &ROOT)];
    while let Some((class, table)) = rest.pop() {
        for inner in table.scopes {
            let child = class.child(inner.class);
            rest.push((child.unwrap_or_else(|| panic!("no class {}", inner.class)), inner));
        }
    }
}

/// A property is one row: what the schema says can be typed.
#[test]
fn every_property_of_the_schema_has_its_command() {
    let mut rest = vec![(&schema::ROOT, MIO.root)];
    let mut seen = 0;
    while let Some((class, scope)) = rest.pop() {
        for property in class.properties {
            let words = match property.verb {
                schema::Verb::Set => format!("set {}", property.group.unwrap_or(property.words)),
                schema::Verb::Enable => format!("{{ enable | disable }} {}", property.words),
                schema::Verb::Create => format!("{{ create | delete }} {}", property.words),
                schema::Verb::Act => property.words.to_owned(),
                schema::Verb::Fact => continue,
            };
            let words = words.trim_end();
            let has = scope.all_commands().any(|command| command.syntax.starts_with(words));
            assert!(has, "/{}: no `{words}`", class.name);
            seen += 1;
        }
        for inner in scope.scopes {
            rest.push((class.child(inner.name()).unwrap(), inner));
        }
    }
    assert!(seen > 150, "{seen}");
}
