//! Proofreading of the schema.

use super::*;
use crate::proto::config::Path;
use crate::proto::observed;

/// Every class with the path of one object of it; the keys are no values.
fn classes() -> Vec<(Path, &'static Class)> {
    let mut found: Vec<(Path, &'static Class)> = vec![(Path::root(), &ROOT)];
    let mut at = 0;
    while let Some((path, class)) = found.get(at).cloned() {
        for child in class.children {
            found.push((path.child(child, &vec!["x"; child.key.len()]), child));
        }
        at += 1;
    }
    found
}

#[test]
fn every_default_is_a_value_of_its_kind() {
    for (path, class) in classes() {
        for property in class.all_properties().filter(|property| !property.default.is_empty()) {
            let value = property.kind.parse(property.default);
            assert!(value.is_ok(), "{path}: {} `{}`", property.words, property.default);
        }
    }
}

#[test]
fn names_are_unique() {
    for (path, class) in classes() {
        let ids: Vec<_> = class.all_properties().map(Property::id).collect();
        let names: Vec<_> = class.children.iter().map(|child| child.name).collect();
        for (i, id) in ids.iter().enumerate() {
            assert!(!ids[..i].contains(id), "{path}: {id:?} twice");
        }
        for (i, name) in names.iter().enumerate() {
            assert!(!names[..i].contains(name), "{path}: {name} twice");
        }
    }
}

#[test]
fn every_column_is_a_label() {
    for (path, class) in classes() {
        let keys = class.key.iter().map(|key| key.label);
        let labels: Vec<_> = keys.chain(class.all_properties().map(|p| p.label)).collect();
        let columns = class.listing.table.iter().map(|column| column.label);
        for label in columns.chain(class.listing.detail.iter().copied()) {
            assert!(labels.contains(&label), "{path}: no `{label}`");
        }
    }
}

/// A fact is measured, or it is a constant of the device, or an image brings it along.
#[test]
fn every_fact_has_a_value_and_every_reading_a_fact() {
    let mut modes = Vec::new();
    for (path, class) in classes() {
        for property in class.all_properties().filter(|property| property.verb == Verb::Fact) {
            let constant = !property.default.is_empty() || class.origin == Origin::Stock;
            let idle = ["Current Task", "Error Msg"].contains(&property.label);
            let read = observed::is_read(&path.mode(), property.label);
            assert!(constant || idle || read, "{path}: nobody knows `{}`", property.label);
            modes.push((path.mode(), property.label));
        }
    }
    for (mode, label) in observed::readings() {
        assert!(modes.contains(&(mode.to_owned(), label)), "{mode} has no fact `{label}`");
    }
}

/// Everything that is asked for is a secret or has several lines, and the other way round.
#[test]
fn what_may_not_stand_in_a_line_is_asked_for() {
    for (path, class) in classes() {
        for property in class.properties {
            let asked = property.is_secret() || matches!(property.kind, Kind::Pem);
            assert_eq!(asked, property.question.is_some(), "{path}: {}", property.words);
        }
    }
}
