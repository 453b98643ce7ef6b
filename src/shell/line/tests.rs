//! The console and its dialogs, with a front that plays the supervisor.

use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::shell::tests::Stage;

struct Lab {
    stage: Stage,
    heard: UnboundedReceiver<String>,
    keys: mpsc::Sender<FromLine>,
    screen: mpsc::Receiver<Vec<u8>>,
    attending: tokio::task::JoinHandle<()>,
}

impl Lab {
    fn new(line: Line, setup: bool) -> Lab {
        let (stage, heard) = Stage::new();
        let (keys, typed) = mpsc::channel(16);
        let (printed, screen) = mpsc::channel(16);
        let attendant = Attendant {
            front: stage.clone(),
            prover: Prover::default(),
            line,
            from: "ttyS0".to_owned(),
            host: Arc::new(|| "fp".to_owned()),
            setup,
        };
        let attending = tokio::spawn(attendant.attend(typed, printed, || {}));
        Lab { stage, heard, keys, screen, attending }
    }

    async fn types(&self, text: &str) {
        self.keys.send(FromLine::Keys(text.as_bytes().to_vec())).await.unwrap();
    }

    async fn expect(&mut self, end: &str) -> String {
        let mut shown = String::new();
        while !shown.ends_with(end) {
            let bytes = self.screen.recv().await;
            let bytes = bytes.unwrap_or_else(|| panic!("over after {shown:?}, before {end:?}"));
            shown += &String::from_utf8(bytes).unwrap();
        }
        shown
    }

    async fn hears(&mut self, start: &str) -> String {
        loop {
            let text = self.heard.recv().await.unwrap();
            if text.starts_with(start) {
                return text;
            }
        }
    }
}

#[tokio::test]
async fn the_console_lets_in_and_begins_anew_when_the_session_ends() {
    let mut lab = Lab::new(Line::Serial, false);
    lab.expect("fp login: ").await;
    for round in 0..2 {
        lab.types("admin\r").await;
        lab.expect("Password: ").await;
        lab.types("Admin123\r").await;
        let shown = lab.expect("FP# ").await;
        assert!(shown.contains("Successful login attempts for user 'admin' : 43\r\n"), "{shown}");
        assert_eq!(lab.hears("right").await, "right admin from ttyS0");
        assert_eq!(lab.hears("open").await, "open 80x24 Prompt { echo: true }");
        lab.keys.send(FromLine::Size(132, 40)).await.unwrap();
        assert_eq!(lab.hears("size").await, "size 132x40");
        lab.types("show clock").await;
        assert_eq!(lab.hears("typed").await, "typed 1 \"show clock\"", "round {round}");
        lab.keys.send(FromLine::Size(80, 24)).await.unwrap();
        lab.types("exit\r").await;
        lab.expect("fp login: ").await;
    }
}

#[tokio::test]
async fn the_wrong_password_and_too_many_sessions_are_said_on_the_line() {
    let mut lab = Lab::new(Line::Serial, false);
    lab.types("admin\rwrong\r").await;
    lab.expect("Login incorrect\r\n\r\nfp login: ").await;
    assert_eq!(lab.hears("wrong").await, "wrong admin from ttyS0");
    lab.stage.0.lock().seats = 0;
    lab.types("admin\rAdmin123\r").await;
    lab.expect("Too many logins for 'admin'\r\n\r\nfp login: ").await;
}

#[tokio::test]
async fn the_end_of_the_keys_ends_the_session_and_the_line() {
    let mut lab = Lab::new(Line::Serial, false);
    lab.types("admin\rAdmin123\rshow clock").await;
    lab.expect("show clock").await;
    drop(lab.keys);
    while lab.screen.recv().await.is_some() {}
    lab.attending.await.unwrap();
    assert!(lab.stage.0.lock().sessions.is_empty());
}

#[tokio::test]
async fn a_screen_that_is_gone_hangs_up() {
    let mut lab = Lab::new(Line::Telnet, false);
    lab.types("admin\rAdmin123\r").await;
    lab.expect("FP# ").await;
    drop(lab.screen);
    lab.keys.send(FromLine::Keys(b"show clock".to_vec())).await.unwrap();
    lab.attending.await.unwrap();
    assert!(lab.stage.0.lock().sessions.is_empty());
}

#[tokio::test]
async fn nobody_logs_in_before_the_chassis_is_set_up() {
    let mut lab = Lab::new(Line::Serial, true);
    lab.expect("(setup/restore) ? ").await;
    let lines = |name: &str| {
        let name = format!("{name}\r");
        [
            "setup\ry\rno\rAdmin123\rAdmin123\r",
            &name,
            "192.0.2.2\r255.255.255.0\r192.0.2.1\r",
            "no\rno\rno\rno\ryes\r",
        ]
        .concat()
    };
    lab.types(&lines("refused")).await;
    assert!(lab.expect("(setup/restore) ? ").await.contains("Error: no\r\n"));
    // What is typed behind the dialog is for the login.
    lab.types(&(lines("edge") + "admin\r")).await;
    assert_eq!(lab.hears("set up edge").await, "set up edge");
    let shown = lab.expect("fp login: admin\r\nPassword: ").await;
    assert!(shown.contains("Configuration file - Ok\r\n"), "{shown}");
}
