//! `set timezone`: where the chassis stands, asked step by step.

use std::collections::BTreeSet;

use super::super::call::{Ask, Call};
use super::super::grammar::Refusal;
use super::edit;
use crate::base::zone::{self, Zone};
use crate::proto::mio::Mio;

type Answer = Result<(), Refusal>;

/// Asks for continent, country and region, and sets the property `timezone` of where one stands.
///
/// # Source
/// Recall: the vendor's configuration guide; the dialog is the tz database's `tzselect`, its menus
/// are bash's `select`. The numbers depend on the release of the tz database, ours is 2025b.
pub(super) fn ask(_: &mut Mio, call: &mut Call<'_, Mio>) -> Answer {
    call.line("Please identify a location so that time zone rules can be set correctly.");
    call.line("Please select a continent or ocean.");
    let continents: BTreeSet<_> = zone::zones().map(|zone| zone.continent).collect();
    choose(call, continents.into_iter().collect(), country);
    Ok(())
}

fn country(mio: &mut Mio, call: &mut Call<'_, Mio>, continent: &'static str) -> Answer {
    let there = zone::zones().filter(|zone| zone.continent == continent);
    let countries: BTreeSet<_> = there.map(|zone| zone.country).collect();
    let countries: Vec<_> = countries.into_iter().collect();
    if let [only] = *countries.as_slice() {
        return region(mio, call, only, continent);
    }
    call.line("Please select a country.");
    choose(call, countries, move |mio, call, country| region(mio, call, country, continent));
    Ok(())
}

fn region(
    _: &mut Mio,
    call: &mut Call<'_, Mio>,
    country: &'static str,
    continent: &'static str,
) -> Answer {
    let there = zone::zones().filter(|z| z.continent == continent && z.country == country);
    let zones: Vec<Zone> = there.collect();
    if let [only] = *zones.as_slice() {
        return confirm(call, only);
    }
    call.line("Please select one of the following time zone regions.");
    let comments = zones.iter().map(|zone| zone.comment).collect();
    choose(call, comments, move |_, call, comment| {
        let chosen = zones.into_iter().find(|zone| zone.comment == comment);
        chosen.map_or(Ok(()), |zone| confirm(call, zone))
    });
    Ok(())
}

fn confirm(call: &mut Call<'_, Mio>, zone: Zone) -> Answer {
    let now = call.now.wall;
    call.line("\nThe following information has been given:\n");
    call.line(format!("\t{}", zone.country));
    if !zone.comment.is_empty() {
        call.line(format!("\t{}", zone.comment));
    }
    call.line(format!("\nTherefore timezone '{}' will be set.", zone.name));
    call.line(format!("Local time is now:\t{}.", zone.clock(now)));
    call.line(format!("Universal Time is now:\t{}.", now.clock()));
    call.line("Is the above information OK?");
    choose(call, vec!["Yes", "No"], move |mio, call, answer| {
        if answer == "No" {
            return ask(mio, call);
        }
        let path = edit::path_of(call.place)?;
        let timezone = path.class().properties.iter().find(|p| p.words == "timezone");
        timezone.map_or(Ok(()), |timezone| edit::put(mio, call, &path, timezone, zone.name))
    });
    Ok(())
}

/// Prints a menu and asks until one of it is chosen; an empty answer prints it again.
fn choose<F>(call: &mut Call<'_, Mio>, items: Vec<&'static str>, then: F)
where
    F: FnOnce(&mut Mio, &mut Call<'_, Mio>, &'static str) -> Answer + Send + 'static,
{
    let text = menu(&items, usize::from(call.columns));
    call.out.push_str(&text);
    again(call, items, then);
}

fn again<F>(call: &mut Call<'_, Mio>, items: Vec<&'static str>, then: F)
where
    F: FnOnce(&mut Mio, &mut Call<'_, Mio>, &'static str) -> Answer + Send + 'static,
{
    call.ask(Ask::line("#? ", move |mio, call, answer| {
        let answer = answer.trim();
        if answer.is_empty() {
            choose(call, items, then);
            return Ok(());
        }
        let number = answer.parse::<usize>().unwrap_or(0);
        let chosen = number.checked_sub(1).and_then(|index| items.get(index).copied());
        let Some(chosen) = chosen else {
            call.line("Please enter a number in range.");
            again(call, items, then);
            return Ok(());
        };
        then(mio, call, chosen)
    }));
}

/// Lays a menu out in columns, downwards, as bash's `select` does: with tabs.
fn menu(items: &[&str], columns: usize) -> String {
    let digits = |number: usize| number.to_string().len();
    let all = digits(items.len());
    let longest = items.iter().map(|item| item.chars().count()).max().unwrap_or(0);
    // A number, `) `, the text and two blanks.
    let width = longest + all + 4;
    let across = (columns / width).max(1);
    let mut rows = items.len().div_ceil(across);
    if rows == 1 {
        rows = items.len();
    }
    let mut text = String::new();
    for row in 0..rows {
        let mut at = 0;
        for (column, index) in (row..items.len()).step_by(rows).enumerate() {
            let to = column * width;
            indent(&mut text, at, to);
            let room = if column == 0 { digits(rows) } else { all };
            let item = items.get(index).copied().unwrap_or_default();
            text.push_str(&format!("{:>room$}) {item}", index + 1));
            at = to + room + 2 + item.chars().count();
        }
        text.push('\n');
    }
    text
}

fn indent(text: &mut String, mut from: usize, to: usize) {
    while from < to {
        if to / 8 > from / 8 {
            text.push('\t');
            from += 8 - from % 8;
        } else {
            text.push(' ');
            from += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by bash 5.2 for the same words, 80 columns.
    #[test]
    fn menus_are_laid_out_as_bash_does() {
        let continents: BTreeSet<_> = zone::zones().map(|zone| zone.continent).collect();
        let continents: Vec<_> = continents.into_iter().collect();
        let laid = "1) Africa\t     4) Arctic Ocean\t 7) Australia\t    10) Pacific Ocean\n\
                    2) Americas\t     5) Asia\t\t 8) Europe\n\
                    3) Antarctica\t     6) Atlantic Ocean\t 9) Indian Ocean\n";
        assert_eq!(menu(&continents, 80), laid);
        assert_eq!(menu(&["Yes", "No"], 80), "1) Yes\n2) No\n");
        assert_eq!(menu(&["Yes", "No"], 0), "1) Yes\n2) No\n");
        assert_eq!(menu(&[], 80), "");
    }
}
