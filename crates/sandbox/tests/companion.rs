//! Programs beside the server: they talk, see nothing of it, and are gone with everything they started.

#![allow(clippy::unwrap_used, reason = "the scene of the tests")]

use std::{path::Path, time::Duration};

use ox_sandbox::{Companion, Launch};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};

const GUARD: &str = env!("CARGO_BIN_EXE_ox-sandbox-worker");
const LONG: Duration = Duration::from_secs(20);

fn shell(directory: &Path, script: &str) -> Launch {
    Launch {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
        environment: vec![("PATH".into(), std::env::var("PATH").unwrap_or_default()), ("GIVEN".into(), "given".into())],
        directory: directory.join("made"),
    }
}

fn lines(companion: &mut Companion) -> Lines<BufReader<tokio::process::ChildStdout>> {
    BufReader::new(companion.stdout.take().unwrap()).lines()
}

/// Whether a process does something still; one that nobody has waited for does not.
fn is_at_work(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

async fn is_gone(pid: &str) -> bool {
    let waited = tokio::time::timeout(LONG, async {
        while is_at_work(pid) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.is_ok()
}

#[tokio::test]
async fn a_program_talks_and_ends_with_all_it_started() {
    for guard in [None, Some(Path::new(GUARD))] {
        let directory = tempfile::tempdir().unwrap();
        let script = "sleep 1000 & echo $! \"${CARGO_MANIFEST_DIR-none}\" $GIVEN; exec cat";
        let mut companion = Companion::start(guard, &shell(directory.path(), script)).unwrap();
        let mut said = lines(&mut companion);
        let first = tokio::time::timeout(LONG, said.next_line()).await.unwrap().unwrap().unwrap();
        let (pid, seen) = first.split_once(' ').unwrap();
        assert_eq!(seen, "none given", "nothing of the server's variables");
        companion.stdin.as_mut().unwrap().write_all(b"again\n").await.unwrap();
        assert_eq!(said.next_line().await.unwrap().as_deref(), Some("again"));
        assert!(is_at_work(pid));
        drop(companion);
        assert!(is_gone(pid).await, "{guard:?}");
        assert_eq!(said.next_line().await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_guard_ends_what_goes_on_without_its_server() {
    let directory = tempfile::tempdir().unwrap();
    // It does not look at its input at all.
    let launch = shell(directory.path(), "sleep 1000 & echo $!; wait");
    let mut companion = Companion::start(Some(Path::new(GUARD)), &launch).unwrap();
    let pid = lines(&mut companion).next_line().await.unwrap().unwrap();
    assert!(is_at_work(&pid));
    // As when the server has died: nobody ends the group, but the pipe closes.
    drop(companion.stdin.take());
    assert!(is_gone(&pid).await);
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch { program: "/no/such/program".into(), ..shell(directory.path(), "") };
    assert!(Companion::start(None, &launch).is_err());
    let mut companion = Companion::start(Some(Path::new(GUARD)), &launch).unwrap();
    let mut told = BufReader::new(companion.stderr.take().unwrap()).lines();
    let told = tokio::time::timeout(LONG, told.next_line()).await.unwrap().unwrap().unwrap();
    assert!(told.contains("cannot start /no/such/program"), "{told}");
}
