//! What a line may name where a session stands.

use crate::cli::call::{Args, Place, Step};
use crate::cli::grammar::{Command, Scope, Shell, Verb, World};
use crate::cli::parse::Candidate;

/// Distances of the scopes beside those entered, and of what stands anywhere in the tree. Commands
/// known everywhere are as near as a scope's own, so that a prefix of both is ambiguous.
const BESIDE: u16 = 100;
const ANYWHERE: u16 = 200;

/// What a line may name.
pub(super) enum Target<X: World> {
    /// A command, with the number of scopes that its owner stands inside.
    Command(&'static Command<X>, usize),
    Scope(Verb, &'static Scope<X>, Inside<X>),
}

/// Inside what a scope stands.
pub(super) enum Inside<X: World> {
    /// The first so many of the scopes entered, with their keys.
    Entered(usize),
    /// Scopes that need no key, from the shell's root on.
    Fixed(Vec<&'static Scope<X>>),
}

impl<X: World> Inside<X> {
    /// Returns where that is, for a session that stands at `place`.
    pub(super) fn of(&self, place: &Place<X>) -> Place<X> {
        match self {
            Inside::Entered(depth) => {
                let mut around = place.clone();
                around.truncate(*depth);
                around
            }
            Inside::Fixed(scopes) => {
                let step = |scope: &&'static Scope<X>| Step { scope, keys: Args::default() };
                Place::new(scopes.iter().map(step).collect())
            }
        }
    }
}

/// Returns everything that a line may name where the session stands, nearest first.
pub(super) fn candidates<X: World>(
    shell: &'static Shell<X>,
    place: &Place<X>,
) -> Vec<Candidate<Target<X>>> {
    let mut found = Vec::new();
    let here = place.scope().unwrap_or(shell.root);
    let depth = place.steps().len();
    for command in here.all_commands() {
        found.push(candidate(command, 0, depth));
    }
    for child in here.scopes {
        scope_candidates(child, || Inside::Entered(depth), 0, &mut found);
    }
    // The scopes around, as far as each lets its own surroundings through.
    let (mut inner, mut rank) = (here, 1);
    for at in (0..depth).rev() {
        if !inner.inherits {
            break;
        }
        let outer = entered(shell, place, at);
        for command in outer.all_commands() {
            found.push(candidate(command, rank, at));
        }
        (inner, rank) = (outer, rank + 1);
    }
    for command in shell.common.iter().flat_map(|table| table.iter()) {
        found.push(candidate(command, 0, depth));
    }
    if shell.dialect.operators {
        for at in 1..depth {
            let rank = BESIDE + u16::try_from(depth - at).unwrap_or(0);
            for child in entered(shell, place, at).scopes {
                scope_candidates(child, || Inside::Entered(at), rank, &mut found);
            }
        }
        reachable(here, shell.root, &mut Vec::new(), &mut found);
    }
    found
}

/// Returns the innermost of the first `depth` scopes entered, or the root.
fn entered<X: World>(
    shell: &'static Shell<X>,
    place: &Place<X>,
    depth: usize,
) -> &'static Scope<X> {
    let innermost = depth.checked_sub(1).and_then(|last| place.steps().get(last));
    innermost.map_or(shell.root, |step| step.scope)
}

fn candidate<X: World>(
    command: &'static Command<X>,
    rank: u16,
    depth: usize,
) -> Candidate<Target<X>> {
    Candidate {
        verb: None,
        syntax: command.syntax,
        help: command.help,
        rank,
        shown: !command.hidden,
        target: Target::Command(command, depth),
    }
}

fn scope_candidates<X: World>(
    scope: &'static Scope<X>,
    inside: impl Fn() -> Inside<X>,
    rank: u16,
    found: &mut Vec<Candidate<Target<X>>>,
) {
    // From elsewhere a scope is entered only.
    let verbs = scope.verbs.iter().filter(|verb| rank == 0 || Verb::FIXED.contains(verb));
    for verb in verbs {
        found.push(Candidate {
            verb: Some((verb.word(), verb.help())),
            syntax: scope.syntax,
            help: scope.help,
            rank,
            shown: rank == 0,
            target: Target::Scope(*verb, scope, inside()),
        });
    }
}

/// Adds the scopes of the whole tree that can be reached by way of those that need no key.
///
/// # Source
/// Seed: `/system # scope license` gives `/license`. Client: kick types `scope eth-uplink` in `/ssa`;
/// at the top it means `/fabric-interconnect` by `scope fabric a`, so a name in full that lies
/// further out gives way to a nearer one that begins like it.
fn reachable<X: World>(
    here: &'static Scope<X>,
    scope: &'static Scope<X>,
    outer: &mut Vec<&'static Scope<X>>,
    found: &mut Vec<Candidate<Target<X>>>,
) {
    for child in scope.scopes {
        let begins =
            |near: &Scope<X>| near.name() != child.name() && near.name().starts_with(child.name());
        if !here.scopes.iter().any(|near| begins(near)) {
            let rank = ANYWHERE + u16::try_from(outer.len()).unwrap_or(0);
            scope_candidates(child, || Inside::Fixed(outer.clone()), rank, found);
        }
        if child.is_keyless() {
            outer.push(child);
            reachable(here, child, outer, found);
            outer.pop();
        }
    }
}
