//! `vfxos dissect`: prints a capture file in the lines of the chassis's own capture command.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::wire::display::Display;
use crate::wire::filter::Filter;
use crate::wire::pcap::{FileError, Item, LinkType, Reader};
use crate::wire::summary::{Dissector, Words};

/// How much of the file is read at a time.
const CHUNK: usize = 256 * 1024;

/// Which file, and which of its frames.
#[derive(Args, Debug)]
pub struct DissectArgs {
    /// A pcap or pcapng file; `-` is standard input
    file: PathBuf,
    /// Print only frames that this capture filter takes, such as `tcp port 443 and host 10.0.0.1`
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// Print only frames that this display filter takes, such as `tcp.port == 443 and tls`
    #[arg(long, value_name = "EXPR")]
    display_filter: Option<String>,
    /// Print the older of the two layouts
    #[arg(long)]
    classic: bool,
}

/// Prints the file. Ends with 0, or with 2 and one line of reason if the file or a filter is bad.
pub fn run(args: &DissectArgs) -> ExitCode {
    let out = io::stdout().lock();
    match print(args, &mut BufWriter::with_capacity(CHUNK, out)) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the lines has seen enough of them.
        Err(Fault::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("vfxos dissect: {}", fault.words(args));
            ExitCode::from(2)
        }
    }
}

/// What ends it early.
enum Fault {
    Filter { text: String, offset: usize, why: String },
    LinkType(u32),
    Open(io::Error),
    Read(io::Error),
    File(FileError),
    Output(io::Error),
}

impl Fault {
    fn words(&self, args: &DissectArgs) -> String {
        let file = args.file.display();
        match self {
            Fault::Filter { text, offset, why } => {
                format!("{why}, at byte {offset} of `{text}`")
            }
            Fault::LinkType(kind) => {
                format!("{file}: its frames are of type {kind}; a capture filter needs Ethernet")
            }
            Fault::Open(why) => format!("{file} can't be opened: {why}"),
            Fault::Read(why) => format!("{file} can't be read: {why}"),
            Fault::File(why) => format!("{file}: {why}"),
            Fault::Output(why) => format!("the lines can't be written: {why}"),
        }
    }
}

fn print(args: &DissectArgs, out: &mut impl Write) -> Result<(), Fault> {
    let filter = match &args.filter {
        None => None,
        Some(text) => Some(Filter::compile(text, None).map_err(|error| Fault::Filter {
            text: text.clone(),
            offset: error.offset,
            why: error.why.to_string(),
        })?),
    };
    let words = if args.classic { Words::Classic } else { Words::Modern };
    let display = match &args.display_filter {
        None => None,
        Some(text) => Some(Display::compile(text).map_err(|error| Fault::Filter {
            text: text.clone(),
            offset: error.offset,
            why: error.why.to_string().trim_end_matches('.').to_owned(),
        })?),
    };
    let mut dissector = Dissector::new(words);
    if display.is_some() {
        dissector = dissector.noting();
    }
    let mut printer = Printer { dissector, filter, display, words };
    let mut input = open(&args.file).map_err(Fault::Open)?;
    let mut reader = Reader::new();
    let mut chunk = vec![0; CHUNK];
    let done = loop {
        let len = match input.read(&mut chunk) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => break Err(Fault::Read(error)),
        };
        if len == 0 {
            break reader.end().map_err(Fault::File);
        }
        reader.feed(chunk.get(..len).unwrap_or_default());
        if let Err(fault) = printer.lines(&mut reader, out) {
            break Err(fault);
        }
    };
    // What could be read is printed before the reason why there is no more.
    let flushed = out.flush().map_err(Fault::Output);
    done.and(flushed)
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(path)?))
}

/// What each frame goes through.
struct Printer {
    dissector: Dissector,
    filter: Option<Filter>,
    display: Option<Display>,
    words: Words,
}

impl Printer {
    /// Prints the frames that have come so far.
    fn lines(&mut self, reader: &mut Reader, out: &mut impl Write) -> Result<(), Fault> {
        while let Some(item) = reader.next().map_err(Fault::File)? {
            let frame = match item {
                Item::Frame(frame) => frame,
                Item::Secrets(..) => continue,
            };
            if let Some(filter) = &self.filter {
                if frame.link != LinkType::ETHERNET {
                    return Err(Fault::LinkType(frame.link.0));
                }
                if !filter.matches(frame.bytes, frame.wire_len) {
                    continue;
                }
            }
            self.dissector.frame(&frame);
            if self.display.as_ref().is_none_or(|filter| filter.matches(self.dissector.facts())) {
                let line = self.dissector.line().laid_out(self.words);
                writeln!(out, "{line}").map_err(Fault::Output)?;
            }
        }
        Ok(())
    }
}
