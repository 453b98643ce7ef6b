//! What every scope shares: from where a session stands to an object of the configuration, and one
//! handler a verb.

use super::super::call::{Args, Ask, Call, Place};
use super::super::grammar::{Refusal, Verb};
use super::notation::argument_name;
use crate::proto::config::schema::{Class, Key, Property, Verb as Way};
use crate::proto::config::value::Kind;
use crate::proto::config::{
    EditError, Objects, Path, Pending, configuration, locate, pending_configuration,
};
use crate::proto::mio::Mio;

/// Line that ends a value of several.
///
/// # Source
/// Reference 2.6, `set certchain`.
const END: &str = "ENDOFBUF";

/// The [`Scope::open`] of every class of the configuration.
///
/// [`Scope::open`]: super::super::grammar::Scope::open
///
/// # Errors
/// The device's words for an object that is absent, exists already or can't be made or deleted.
pub(super) fn open(
    mio: &mut Mio,
    call: &mut Call<'_, Mio>,
    verb: Verb,
    place: &Place<Mio>,
) -> Result<(), Refusal> {
    let path = path_of(place)?;
    let born = born_of(place);
    let born: Vec<&str> = born.iter().map(String::as_str).collect();
    let pending = mio.pending.entry(call.login.session).or_default();
    match verb {
        Verb::Scope if pending.view(&mio.config).exists(&path) => Ok(()),
        Verb::Scope => Err(EditError::Absent),
        Verb::Enter => pending.enter(&mio.config, &path, &born),
        Verb::Create => pending.create(&mio.config, &path, &born),
        Verb::Delete => pending.delete(&mio.config, &path),
    }
    .map_err(refusal)
}

/// Returns the configuration's path of where a session stands.
///
/// # Errors
/// The device's words for a key that is no value.
pub(super) fn path_of(place: &Place<Mio>) -> Result<Path, Refusal> {
    place.steps().iter().try_fold(Path::root(), |path, step| {
        let class = path.class().child(step.scope.name());
        let class = class.ok_or_else(|| refusal(EditError::Property))?;
        let typed = typed(class, &step.keys, 2);
        locate(&path, class, &typed).map_err(refusal)
    })
}

/// Returns the texts typed for the keys of a class, in their order; `skip` words stand before them.
///
/// A key that is a choice was typed as a keyword, any other as a value.
fn typed<'a>(class: &Class, args: &'a Args, skip: usize) -> Vec<&'a str> {
    Typed::new(args, skip).take(class.key.iter().map(|key| &key.kind))
}

/// The words and values of a line in the order of what they were typed for.
struct Typed<'a> {
    words: std::slice::Iter<'a, &'static str>,
    values: std::slice::Iter<'a, (&'static str, String)>,
}

impl<'a> Typed<'a> {
    fn new(args: &'a Args, skip: usize) -> Typed<'a> {
        let words = args.words().get(skip..).unwrap_or_default();
        Typed { words: words.iter(), values: args.values().iter() }
    }

    fn take<'k>(&mut self, kinds: impl Iterator<Item = &'k Kind>) -> Vec<&'a str> {
        let mut found = Vec::new();
        for kind in kinds {
            let text = if kind.is_choice() {
                let choices = kind.choices();
                // `detail` may follow keys that were left out.
                let mut rest = self.words.clone();
                let word = rest.next().copied().filter(|word| choices.contains(word));
                if word.is_some() {
                    self.words = rest;
                }
                word
            } else {
                self.values.next().map(|(_, text)| text.as_str())
            };
            let Some(text) = text else { break };
            found.push(text);
        }
        found
    }
}

/// Returns the texts of the properties that the innermost object is born with.
fn born_of(place: &Place<Mio>) -> Vec<String> {
    let Some(step) = place.steps().last() else { return Vec::new() };
    let Ok(path) = path_of(place) else { return Vec::new() };
    let class = path.class();
    let mut typed = Typed::new(&step.keys, 2);
    typed.take(class.key.iter().map(|key| &key.kind));
    let born = typed.take(class.born_with.iter().map(|property| &property.kind));
    born.into_iter().map(str::to_owned).collect()
}

/// Returns the canonical texts of the keys typed in a line, as many as were typed.
///
/// # Errors
/// The device's words for one that is no value.
pub(super) fn keys_of(
    class: &'static Class,
    args: &Args,
    skip: usize,
) -> Result<Vec<String>, Refusal> {
    let pairs = typed(class, args, skip).into_iter().zip(class.key);
    let parse = |(text, key): (&str, &Key)| {
        let value = key.kind.parse(text).map_err(|error| refusal(error.into()))?;
        Ok(key.kind.typed(&value))
    };
    pairs.map(parse).collect()
}

/// Returns the configuration as this session sees it.
pub(super) fn view<'a>(mio: &'a Mio, call: &Call<'_, Mio>) -> &'a Objects {
    let pending = mio.pending.get(&call.login.session);
    pending.map_or(mio.config.objects(), |pending| pending.view(&mio.config))
}

/// Gives one property of an object a value.
///
/// # Errors
/// The device's words for a value that the property does not take.
pub(super) fn put(
    mio: &mut Mio,
    call: &Call<'_, Mio>,
    path: &Path,
    property: &'static Property,
    text: &str,
) -> Result<(), Refusal> {
    let pending = mio.pending.entry(call.login.session).or_default();
    pending.set(&mio.config, path, (property.verb, property.words), text).map_err(refusal)
}

/// `set WORDS VALUE`.
pub(super) fn set_property(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let path = path_of(call.place)?;
    let words = call.args.words().get(1..).unwrap_or_default();
    let single = |p: &&Property| p.verb == Way::Set && p.group.is_none();
    let named = path.class().properties.iter().filter(single);
    let named = named.filter_map(|property| {
        let own: Vec<&str> = property.words.split(' ').collect();
        words.starts_with(&own).then_some((own.len(), property))
    });
    let Some((len, property)) = named.max_by_key(|(len, _)| *len) else {
        return Err(refusal(EditError::Property));
    };
    if property.question.is_some() {
        return ask(call, path, property);
    }
    let values: Vec<&str> = call.args.values().iter().map(|(_, text)| text.as_str()).collect();
    let choices = words.get(len..).unwrap_or_default();
    let text = [choices, &values].concat().join(" ");
    put(mio, call, &path, property, &text)
}

/// Asks for a value that no listing and no history may hold, or that has several lines.
///
/// # Source
/// Reference 2.6. The words of refusal of two values that differ are recall.
fn ask(call: &mut Call<'_, Mio>, path: Path, property: &'static Property) -> Result<(), Refusal> {
    let Some(question) = property.question else { return Ok(()) };
    if matches!(property.kind, Kind::Pem) {
        call.line(format!("Enter lines one at a time. Enter {END} to finish. Press ^C to abort."));
        call.line(question.prompt);
        call.ask(Ask::until(">", END, move |mio, call, text| {
            put(mio, call, &path, property, text)
        }));
        return Ok(());
    }
    call.ask(Ask::secret(question.prompt, move |mio, call, first| {
        let Some(again) = question.again else { return put(mio, call, &path, property, first) };
        let first = first.to_owned();
        call.ask(Ask::secret(again, move |mio, call, second| {
            if second != first {
                return Err(Refusal::denied("Error: The two values do not match"));
            }
            put(mio, call, &path, property, second)
        }));
        Ok(())
    }));
    Ok(())
}

/// `set GROUP MEMBER VALUE ...`: all of them or none.
pub(super) fn set_group(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let path = path_of(call.place)?;
    let words = call.args.words().get(1..).unwrap_or_default();
    let mut found: Vec<(&'static Property, String)> = Vec::new();
    for property in path.class().properties {
        let Some(group) = property.group else { continue };
        let group: Vec<&str> = group.split_ascii_whitespace().collect();
        let Some(rest) = words.strip_prefix(group.as_slice()) else { continue };
        let Some(at) = rest.iter().position(|word| *word == property.keyword()) else { continue };
        let typed = call.args.get(&argument_name(property));
        let choice = rest.get(at + 1).filter(|word| property.kind.choices().contains(word));
        let text = typed.or(choice.copied()).unwrap_or_default();
        found.push((property, text.to_owned()));
    }
    let pending = mio.pending.entry(call.login.session).or_default();
    let before = pending.clone();
    for (property, text) in found {
        let set = pending.set(&mio.config, &path, (Way::Set, property.words), &text);
        if let Err(error) = set {
            *pending = before;
            return Err(refusal(error));
        }
    }
    Ok(())
}

/// `{enable | disable} WORDS` and `{create | delete} WORDS` of a property.
pub(super) fn switch_property(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let (way, on) = match call.args.words().first().copied() {
        Some("enable") => (Way::Enable, true),
        Some("disable") => (Way::Enable, false),
        Some("create") => (Way::Create, true),
        _ => (Way::Create, false),
    };
    let words = call.args.words().get(1..).unwrap_or_default().join(" ");
    let path = path_of(call.place)?;
    let pending = mio.pending.entry(call.login.session).or_default();
    pending.switch(&mio.config, &path, (way, &words), on).map_err(refusal)
}

/// `WORDS` alone.
pub(super) fn act(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let words = call.args.words().join(" ");
    let path = path_of(call.place)?;
    let pending = mio.pending.entry(call.login.session).or_default();
    pending.switch(&mio.config, &path, (Way::Act, &words), true).map_err(refusal)
}

/// `{create | enter | delete} CLASS KEYS` of a class that is no mode.
pub(super) fn edit_object(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let [verb, class, ..] = call.args.words() else {
        return Err(refusal(EditError::Property));
    };
    let parent = path_of(call.place)?;
    let class = parent.class().child(class).ok_or_else(|| refusal(EditError::Property))?;
    let path = locate(&parent, class, &typed(class, call.args, 2)).map_err(refusal)?;
    let pending = mio.pending.entry(call.login.session).or_default();
    match *verb {
        "create" => pending.create(&mio.config, &path, &[]),
        "delete" => pending.delete(&mio.config, &path),
        _ => pending.enter(&mio.config, &path, &[]),
    }
    .map_err(refusal)
}

/// `show configuration [all] [pending]`.
pub(super) fn show_configuration(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let path = path_of(call.place)?;
    let text = if call.args.has("pending") {
        let none = Pending::default();
        let pending = mio.pending.get(&call.login.session).unwrap_or(&none);
        pending_configuration(pending.base(&mio.config), pending.view(&mio.config), &path)
    } else {
        configuration(view(mio, call), &path, call.args.has("all"))
    };
    call.out.push_str(&text);
    Ok(())
}

/// `where`, `show cli mode-info`.
///
/// # Source
/// Recall.
///
/// # Errors
/// The device's words for a key that is no value.
pub(super) fn mode_info(call: &Call<'_, Mio>) -> Result<String, Refusal> {
    let path = path_of(call.place)?;
    let mode = if call.place.scope().is_some() { call.place.path() } else { "/".to_owned() };
    let mut text = format!("Mode: {mode}\nMode Data:\n");
    for step in path.steps() {
        let keys: String = step.key.iter().map(|key| format!(" {key}")).collect();
        text += &format!("    scope {}{keys}\n", step.class.name);
    }
    Ok(text)
}

pub(super) fn refusal(error: EditError) -> Refusal {
    Refusal::denied(error.device_text())
}
