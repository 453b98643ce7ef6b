//! The words behind an `@`: what a transcript does to the world. [`WORDS`] is all of them.
//!
//! In a form, small letters are typed as they stand, `CAPITALS` are replaced, and `...` takes
//! `name=value` pairs. Dates are those of `# clock:`, spans are written `31d`, `12h`, `90s`, `250ms`.

use std::time::Duration;

use vfxos::base::ident::Slot;
use vfxos::base::time::{Now, Utc, days, parse_duration};
use vfxos::proto::agent::ExchangeError;
use vfxos::proto::authority::{Authority, Pool};
use vfxos::wire::callhome::SigningKey;

use super::World;
use super::authority::Way;
use super::setup::moment;

/// Seed of the key behind the certificate that `reservation.txt` types as CiscoLicRoot.
const LICENCE_ROOT: [u8; 32] = [42; 32];

/// One thing that may be done.
pub struct Word {
    pub form: &'static str,
    /// What it does, for a reader.
    pub does: &'static str,
    run: fn(&mut World, &[&str]) -> Result<(), String>,
}

/// Everything that may be done.
#[rustfmt::skip]
pub static WORDS: &[Word] = &[
    word("clock advance SPAN", "time passes, every deadline at its own moment", advance),
    word("clock until DATE", "the same, until the chassis's clock shows the date", until),
    word("clock set DATE", "the chassis's clock is set; the authority's goes on", set),
    word("clock skew MS", "the authority's clock is ahead of the chassis's by so many ms: A - D", skew),
    word("authority ok", "the authority is reached and decides as it should", ok),
    word("authority resolve-fails", "its name has no address", |w, _| breaks(w, ExchangeError::Resolve)),
    word("authority refused", "nothing listens there", |w, _| breaks(w, ExchangeError::Connect)),
    word("authority wrong-ca", "its certificate is not trusted", |w, _| breaks(w, ExchangeError::Authenticate)),
    word("authority status CODE", "HTTP answers with this status", status),
    word("authority http-fails", "HTTP breaks off", |w, _| breaks(w, ExchangeError::Transport)),
    word("authority not-ours", "somebody else's page is the answer", |w, _| way(w, Way::NotOurs)),
    word("authority forged", "its answers are signed with another key", |w, _| way(w, Way::Forged)),
    word("authority refuses-renewal", "it renews no registration", refuses_renewal),
    word("authority latency MS", "from a request to its outcome", latency),
    word("token TEXT ...", "the authority has this token: days=30 uses=N export=yes state=expired|revoked", token),
    word("instance remove SERIAL", "the authority forgets a product instance", remove_instance),
    word("instance SERIAL", "the authority knows a product instance of this serial already", instance),
    word("pool TAG N", "the account has bought so many of a tag, named in short", pool),
    word("reservation authorize CODE gives CODE", "the authority answers a request code so", reserve),
    word("reservation return CODE", "and takes a return code", take_back),
    word("power-cut", "the supervisor loses power and starts from flash; its blades go on", power_cut),
    word("power-off", "the whole chassis loses power", power_off),
    word("power-on", "and has it again", power_on),
    word("factory-reset", "the supervisor starts with empty flash", factory_reset),
    word("chassis NAME", "the terminal stands at the console of this chassis from now on", |w, a| w.turn_to(first(a))),
    word("wires cut", "nothing gets from this chassis's data ports to those of others", |w, _| { w.here_mut().unplugged = true; Ok(()) }),
    word("wires mended", "and does again", |w, _| { w.here_mut().unplugged = false; Ok(()) }),
    word("blade kill SLOT", "a blade's process ends", |w, a| { w.kill(slot(a)?); Ok(()) }),
    word("blade start SLOT", "and starts again, from the blade's flash", start_blade),
    word("type KEYS", r"keys are pressed, no Enter behind them: \r, \e and \x01 are one key each", keys),
];

const fn word(
    form: &'static str,
    does: &'static str,
    run: fn(&mut World, &[&str]) -> Result<(), String>,
) -> Word {
    Word { form, does, run }
}

/// Carries out the words behind an `@`.
///
/// # Errors
/// What is wrong with them, or what became of them.
pub fn act(world: &mut World, line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let found = WORDS.iter().find_map(|word| Some((word, values(word.form, &words)?)));
    match found {
        Some((word, values)) => (word.run)(world, &values),
        None => Err(format!("no form fits `@ {line}`; there are\n{}", forms())),
    }
}

fn forms() -> String {
    WORDS.iter().map(|Word { form, does, .. }| format!("  @ {form:28} {does}\n")).collect()
}

/// Returns what stands for the capitals of a form; `None` if the words do not fit it.
fn values<'a>(form: &str, words: &[&'a str]) -> Option<Vec<&'a str>> {
    let (mut found, mut rest) = (Vec::new(), words.iter());
    for part in form.split(' ') {
        if part == "..." {
            found.extend(rest.by_ref());
            break;
        }
        let word = rest.next()?;
        if part.chars().all(|c| c.is_ascii_uppercase()) {
            found.push(*word);
        } else if part != *word {
            return None;
        }
    }
    rest.next().is_none().then_some(found)
}

fn first<'a>(values: &[&'a str]) -> &'a str {
    values.first().copied().unwrap_or_default()
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not such a number"))
}

fn slot(values: &[&str]) -> Result<Slot, String> {
    let slot = number(first(values))?;
    Slot::new(slot).ok_or_else(|| format!("there is no slot {slot}"))
}

fn date(values: &[&str]) -> Result<Utc, String> {
    let text = first(values);
    moment(text).ok_or_else(|| format!("`{text}` is not a date"))
}

fn advance(world: &mut World, values: &[&str]) -> Result<(), String> {
    let span = parse_duration(first(values)).ok_or("write it as 31d, 12h, 90s or 250ms")?;
    world.live(world.now.mono + span);
    Ok(())
}

fn until(world: &mut World, values: &[&str]) -> Result<(), String> {
    let date = date(values)?;
    if date < world.now.wall {
        return Err(format!("that has passed: it is {}", world.now.wall.iso()));
    }
    world.live(world.now.instant_of(date));
    Ok(())
}

fn set(world: &mut World, values: &[&str]) -> Result<(), String> {
    world.set_clock(date(values)?);
    Ok(())
}

fn skew(world: &mut World, values: &[&str]) -> Result<(), String> {
    world.ahead_ms = number(first(values))?;
    Ok(())
}

fn way(world: &mut World, way: Way) -> Result<(), String> {
    world.authority.way = way;
    Ok(())
}

fn breaks(world: &mut World, error: ExchangeError) -> Result<(), String> {
    way(world, Way::Broken(error))
}

fn ok(world: &mut World, _: &[&str]) -> Result<(), String> {
    world.authority.set(|settings| settings.refuse_renewal = false);
    way(world, Way::Open)
}

fn status(world: &mut World, values: &[&str]) -> Result<(), String> {
    let status = number(first(values))?;
    breaks(world, ExchangeError::Status { status })
}

fn refuses_renewal(world: &mut World, _: &[&str]) -> Result<(), String> {
    world.authority.set(|settings| settings.refuse_renewal = true);
    way(world, Way::Open)
}

fn latency(world: &mut World, values: &[&str]) -> Result<(), String> {
    world.authority.latency = Duration::from_millis(number(first(values))?);
    Ok(())
}

fn token(world: &mut World, values: &[&str]) -> Result<(), String> {
    let (mut valid, mut uses_max, mut export_controlled) = (days(30), None, true);
    let (mut expired, mut revoked) = (false, false);
    for option in values.iter().skip(1) {
        match option.split_once('=') {
            Some(("days", text)) => valid = days(number(text)?),
            Some(("uses", text)) => uses_max = Some(number(text)?),
            Some(("export", "yes")) => export_controlled = true,
            Some(("export", "no")) => export_controlled = false,
            Some(("state", "expired")) => expired = true,
            Some(("state", "revoked")) => revoked = true,
            _ => return Err(format!("`{option}` says nothing of a token")),
        }
    }
    let wall = world.authority_wall();
    world.authority.keep_token(wall, first(values), |token| {
        token.expires = if expired { wall } else { wall + valid };
        (token.uses_max, token.export_controlled) = (uses_max, export_controlled);
        token.revoked = revoked;
    });
    Ok(())
}

/// This moment by the authority's clock.
fn there(world: &World) -> Now {
    Now { mono: world.now.mono, wall: world.authority_wall() }
}

fn instance(world: &mut World, values: &[&str]) -> Result<(), String> {
    let now = there(world);
    world.authority.register_stranger(now, world.sites[world.at].chassis.setup(), first(values))
}

fn remove_instance(world: &mut World, values: &[&str]) -> Result<(), String> {
    let now = there(world);
    let remove = world.authority.operate(now, |it| it.instance_remove(now.wall, first(values)));
    remove.map(drop)
}

fn pool(world: &mut World, values: &[&str]) -> Result<(), String> {
    let [tag, bought] = values else { return Err("a tag and a number".to_owned()) };
    let pool = Pool { bought: number(bought)?, expires: None };
    let now = there(world);
    world.authority.operate(now, |it| it.pool_set(now.wall, None, tag, pool)).map(drop)
}

fn reserve(world: &mut World, values: &[&str]) -> Result<(), String> {
    let [request, want] = values else { return Err("two codes".to_owned()) };
    let (now, key) = (there(world), SigningKey::from_seed(&LICENCE_ROOT));
    let work = |it: &mut Authority| it.reservation_authorize(now.wall, request, None, &key);
    let made = world.authority.operate(now, work)?.authorization_code;
    if made == *want { Ok(()) } else { Err(format!("it gives {made}")) }
}

fn take_back(world: &mut World, values: &[&str]) -> Result<(), String> {
    let now = there(world);
    let code = first(values);
    world.authority.operate(now, |it| it.reservation_return(now.wall, code)).map(drop)
}

fn power_cut(world: &mut World, _: &[&str]) -> Result<(), String> {
    world.cut();
    world.boot();
    Ok(())
}

fn power_off(world: &mut World, _: &[&str]) -> Result<(), String> {
    world.cut();
    for slot in world.here().bays.keys().copied().collect::<Vec<_>>() {
        world.kill(slot);
    }
    Ok(())
}

fn power_on(world: &mut World, _: &[&str]) -> Result<(), String> {
    if world.here().chassis.is_on() {
        return Err("it is on".to_owned());
    }
    world.power_on();
    Ok(())
}

fn factory_reset(world: &mut World, _: &[&str]) -> Result<(), String> {
    world.cut();
    world.here_mut().chassis.erase();
    world.boot();
    Ok(())
}

fn start_blade(world: &mut World, values: &[&str]) -> Result<(), String> {
    let slot = slot(values)?;
    let now = world.now;
    let bay = world.here_mut().bays.get_mut(&slot);
    bay.ok_or_else(|| format!("no blade in slot {slot}"))?.start(now);
    world.settle();
    Ok(())
}

fn keys(world: &mut World, values: &[&str]) -> Result<(), String> {
    let mut keys = Vec::new();
    let mut rest = first(values).chars();
    while let Some(key) = rest.next() {
        match (key, key == '\\') {
            (key, false) => keys.extend(key.to_string().bytes()),
            (_, true) => match rest.next() {
                Some('r') => keys.push(b'\r'),
                Some('e') => keys.push(0x1b),
                Some('x') => {
                    let code: String = rest.by_ref().take(2).collect();
                    keys.push(u8::from_str_radix(&code, 16).map_err(|e| e.to_string())?);
                }
                _ => return Err(r"a \ is followed by r, e or x".to_owned()),
            },
        }
    }
    world.press(&keys)
}
