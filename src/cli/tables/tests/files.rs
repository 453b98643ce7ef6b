//! Captures and files, as far as the tables go: what is asked of the edge, and what is refused.

use super::*;
use crate::cli::job::Support;
use crate::cli::transfer::{Direction, Scheme, Transfer};
use crate::proto::capture::{Bounds, FRAME_SIZE, FRAMES, Plan};
use crate::wire::summary::Words;

fn fxos() -> Lab {
    let mut lab = Lab::new();
    lab.run("connect fxos");
    lab
}

fn planned(lab: &mut Lab, options: &str) -> Plan {
    let said = lab.run(&format!("ethanalyzer local interface mgmt {options}"));
    match lab.job.take() {
        Some(Job::Capture(plan)) => {
            lab.terminal.job_done(lab.now, &mut lab.mio);
            lab.read();
            *plan
        }
        other => panic!("{options}: {other:?} {said}"),
    }
}

#[test]
fn a_capture_is_planned_as_it_was_typed() {
    let mut lab = fxos();
    let plan = planned(&mut lab, "");
    assert_eq!(plan, Plan::new(Words::Numbered));
    assert_eq!((plan.limit, plan.frame_size), (Some(FRAMES), FRAME_SIZE));
    // The seed's own line.
    let plan = planned(
        &mut lab,
        "capture-filter \"tcp port 443 and (host 72.163.4.38 or host 173.37.145.8)\" \
         limit-captured-frames 0 limit-frame-size 10000 write workspace:///SSL.pcap",
    );
    assert_eq!((plan.limit, plan.frame_size), (None, 10_000));
    assert_eq!(plan.file.as_deref(), Some("workspace:/SSL.pcap"));
    let plan = planned(
        &mut lab,
        "write x.pcap capture-ring-buffer filesize 10 display-filter tcp detail autostop files 3",
    );
    assert!(plan.detail && plan.display.is_some());
    assert_eq!(plan.stop, Bounds { files: Some(3), ..Bounds::default() });
    assert_eq!(plan.ring, Some(Bounds { kilobytes: Some(10), ..Bounds::default() }));
}

#[test]
fn a_file_is_read_only_if_it_is_there() {
    let mut lab = fxos();
    let absent = "workspace:/a: No such file or directory\n";
    assert_eq!(lab.run("ethanalyzer local read workspace:///a"), absent);
    lab.type_all(&["show hostname > workspace:///a"]);
    lab.run("ethanalyzer local read a display-filter \"tcp.port == 443\"");
    let Some(Job::Read { file, plan }) = lab.job.take() else { panic!() };
    assert_eq!((file.shown().as_str(), plan.limit), ("workspace:/a", None));
}

#[test]
fn a_copy_asks_for_the_password_that_it_needs() {
    let mut lab = Lab::new();
    lab.run("connect local-mgmt");
    lab.type_all(&["pwd > workspace:///SSL.pcap"]);
    lab.run("copy workspace:///SSL.pcap ftp://ftp_user@10.62.148.41/SSL.pcap");
    assert_eq!((lab.prompt.as_str(), &lab.job), ("Password:", &None));
    lab.run("secret");
    let Some(Job::Transfer(Transfer { direction, url, password })) = lab.job.take() else {
        panic!()
    };
    assert_eq!((url.scheme, url.path.as_str()), (Scheme::Ftp, "SSL.pcap"));
    assert!(matches!(&direction, Direction::Up(from) if from.name() == "SSL.pcap"));
    assert_eq!(password, "secret");
    lab.terminal.job_done(lab.now, &mut lab.mio);
    lab.read();
    lab.run("copy tftp://files.test/new/x techsupport");
    let Some(Job::Transfer(Transfer { direction, .. })) = lab.job.take() else { panic!() };
    assert!(matches!(&direction, Direction::Down(to) if to.shown() == "workspace:/techsupport/x"));
}

#[test]
fn the_archive_holds_what_the_commands_print_and_no_refusal() {
    let mut lab = Lab::of("FPR-4125", Role::Admin, &[1]);
    lab.run("connect local-mgmt");
    let said = lab.run("show tech-support chassis 1 detail");
    let name = "workspace:/techsupport/20200804095550_FPR4125-1_BC1_all.tar.gz";
    assert!(said.contains(name), "{said}");
    let Some(Job::Support(Support { file, parts, .. })) = lab.job.take() else { panic!() };
    assert_eq!(file.shown(), name);
    for (part, text) in parts {
        assert!(!text.contains("% Inv") && !text.contains("Error:"), "{part}\n{text}");
        assert!(text.starts_with('`'), "{part}\n{text}");
    }
}

/// Who may only look captures, and leaves no files.
#[test]
fn a_role_that_looks_changes_no_file() {
    let mut lab = Lab::of("FPR-4125", Role::ReadOnly, &[]);
    lab.run("connect local-mgmt");
    let refused = "Error: User does not have privileges to perform the operation\n";
    for line in ["mkdir x", "pwd > workspace:///x", "delete x", "show tech-support fprm"] {
        assert_eq!(lab.run(line), refused, "{line}");
    }
    assert_ne!(lab.run("dir"), refused);
}
