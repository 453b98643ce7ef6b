//! What every scope shares: from where a session stands to an object of the configuration, and one
//! handler a verb.

use super::super::call::{Call, Place};
use super::super::grammar::{Command, Refusal, Scope, Verb};
use crate::base::source::Source;
use crate::proto::config::schema::Verb as Way;
use crate::proto::config::{
    EditError, Objects, Path, Pending, configuration, locate, pending_configuration,
};
use crate::proto::mio::Mio;

/// For `..CLASS` in a table: an object of the configuration that always exists.
pub(super) const CLASS: Scope<Mio> = Scope { open, ..Scope::FIXED };

/// Makes a command that gives a property a value: `set WORDS VALUE`, or `set WORDS {a | b}`.
pub(super) const fn set(
    syntax: &'static str,
    help: &'static [&'static str],
    source: Source,
) -> Command<Mio> {
    Command { syntax, help, source, run: set_property, ..Command::WRITE }
}

/// Makes a command that turns a property on or off: `{enable | disable} WORDS`.
pub(super) const fn switch(
    syntax: &'static str,
    help: &'static [&'static str],
    source: Source,
) -> Command<Mio> {
    Command { syntax, help, source, run: switch_property, ..Command::WRITE }
}

/// Makes a command about an object that is no mode: `{create | enter | delete} CLASS KEY`.
pub(super) const fn object(
    syntax: &'static str,
    help: &'static [&'static str],
    source: Source,
) -> Command<Mio> {
    Command { syntax, help, source, run: edit_object, ..Command::WRITE }
}

/// The [`Scope::open`] of every class of the configuration.
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
    let pending = mio.pending.entry(call.login.session).or_default();
    match verb {
        Verb::Scope if pending.view(&mio.config).exists(&path) => Ok(()),
        Verb::Scope => Err(EditError::Absent),
        Verb::Enter => pending.enter(&mio.config, &path, &[]),
        Verb::Create => pending.create(&mio.config, &path, &[]),
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
        let keys: Vec<&str> = step.keys.values().iter().map(|(_, text)| text.as_str()).collect();
        child(&path, step.scope.name(), &keys)
    })
}

fn child(parent: &Path, class: &str, keys: &[&str]) -> Result<Path, Refusal> {
    let class = parent.class().child(class).ok_or_else(|| refusal(EditError::Property))?;
    locate(parent, class, keys).map_err(refusal)
}

/// Returns the configuration as this session sees it.
pub(super) fn view<'a>(mio: &'a Mio, call: &Call<'_, Mio>) -> &'a Objects {
    let pending = mio.pending.get(&call.login.session);
    pending.map_or(mio.config.objects(), |pending| pending.view(&mio.config))
}

/// Gives one property of the current object a value.
///
/// # Errors
/// The device's words for a value that the property does not take.
pub(super) fn put(
    mio: &mut Mio,
    call: &mut Call<'_, Mio>,
    words: &str,
    text: &str,
) -> Result<(), Refusal> {
    let path = path_of(call.place)?;
    let pending = mio.pending.entry(call.login.session).or_default();
    pending.set(&mio.config, &path, (Way::Set, words), text).map_err(refusal)
}

fn set_property(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let args = call.args;
    let words = args.words().get(1..).unwrap_or_default();
    match (args.values().first(), words.split_last()) {
        (Some((_, text)), _) => put(mio, call, &words.join(" "), text),
        (None, Some((choice, words))) => put(mio, call, &words.join(" "), choice),
        (None, None) => Err(refusal(EditError::Property)),
    }
}

fn switch_property(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
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

fn edit_object(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let [verb, class, ..] = call.args.words() else {
        return Err(refusal(EditError::Property));
    };
    let keys: Vec<&str> = call.args.values().iter().map(|(_, text)| text.as_str()).collect();
    let path = child(&path_of(call.place)?, class, &keys)?;
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

pub(super) fn refusal(error: EditError) -> Refusal {
    Refusal::denied(error.device_text())
}
