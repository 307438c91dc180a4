//! Programs as MCP servers: a shell script that does what it is told, good and bad.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test support")]

use std::{path::Path, time::Duration};

use ox_sandbox::Launch;
use ox_tools::mcp::{Error, Program, Programs, Session};
use serde_json::Map;

const LONG: Duration = Duration::from_secs(30);

/// Answers by what stands in a line; what is no message is passed over by the client.
const SCRIPT: &str = r#"
echo "starting with $SECRET" >&2
test "$MODE" = dead && exit 3
test "$MODE" = mute && sleep 1000
echo 'this is no message'
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9][0-9]*\).*/\1/p')
  answer() { echo '{"jsonrpc":"2.0","id":'"$id"',"result":'"$1"'}'; }
  case "$line" in
    *'"initialize"'*)
      test "$MODE" = future && answer '{"protocolVersion":"2999-01-01"}' && continue
      answer '{"protocolVersion":"2025-06-18","serverInfo":{"name":"sh"}}' ;;
    *'"tools/list"'*) answer '{"tools":[{"name":"tell","inputSchema":{"type":"object"}}]}' ;;
    *'"die"'*) exit 3 ;;
    *'"hang"'*) sleep 1000 ;;
    *'"huge"'*) head -c 9000000 /dev/zero | tr '\0' x ; echo ;;
    *'"ask"'*)
      echo '{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage"}'
      IFS= read -r said
      case "$said" in *-32601*) answer '{"content":[{"type":"text","text":"refused"}]}' ;; esac ;;
    *'"tools/call"'*) answer '{"content":[{"type":"text","text":"'"$$ $SECRET"'"}]}' ;;
  esac
done
"#;

fn program(directory: &Path, mode: &str) -> Program {
    let path = std::env::var("PATH").unwrap_or_default();
    let environment = [("PATH", path.as_str()), ("MODE", mode), ("SECRET", "s3cret")];
    Program {
        owner: "t".into(),
        name: "script".into(),
        launch: Launch {
            program: "sh".into(),
            arguments: vec!["-c".into(), SCRIPT.into()],
            environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            directory: directory.to_owned(),
        },
        secrets: vec!["s3cret".into()],
    }
}

/// What a call says: the process id and the variable.
async fn tell(programs: &Programs, program: &Program) -> String {
    let mut session = Session::start(programs, program, LONG, LONG).await.unwrap();
    session.call("tell", Map::new()).await.unwrap().text
}

#[tokio::test]
async fn a_program_is_started_once_and_again_when_it_has_died() {
    let directory = tempfile::tempdir().unwrap();
    let (programs, program) = (Programs::new(None), program(directory.path(), ""));
    let mut session = Session::start(&programs, &program, LONG, LONG).await.unwrap();
    assert_eq!(session.about["serverInfo"]["name"], "sh");
    assert_eq!(session.tools().await.unwrap()[0].name, "tell");
    let first = session.call("tell", Map::new()).await.unwrap().text;
    assert!(first.ends_with(" s3cret"), "{first}");
    session.close().await;
    // Pooled: the next session, and two at once, are with the same process.
    let (second, third) = tokio::join!(tell(&programs, &program), tell(&programs, &program));
    assert_eq!((&second, &third), (&first, &first));
    // What it asks itself is answered.
    let mut session = Session::start(&programs, &program, LONG, LONG).await.unwrap();
    assert_eq!(session.call("ask", Map::new()).await.unwrap().text, "refused");
    // Death in the middle of a call is an error of that call alone.
    let died = session.call("die", Map::new()).await.unwrap_err();
    assert_eq!(died, Error::Net("the program has ended".into()));
    let after = tell(&programs, &program).await;
    assert_ne!(after, first);
    // Too long a line ends it, too.
    let mut session = Session::start(&programs, &program, LONG, LONG).await.unwrap();
    let huge = session.call("huge", Map::new()).await.unwrap_err();
    assert!(huge.to_string().contains("more than 8 MB in one line"), "{huge}");
    assert_ne!(tell(&programs, &program).await, after);
    // Another workspace has a process of its own.
    let other = Program { owner: "u".into(), ..program.clone() };
    assert_ne!(tell(&programs, &other).await, tell(&programs, &program).await);
}

#[tokio::test]
async fn one_that_hangs_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let (programs, program) = (Programs::new(None), program(directory.path(), ""));
    let first = tell(&programs, &program).await;
    let mut session = Session::start(&programs, &program, LONG, Duration::from_millis(200)).await.unwrap();
    let late = session.call("hang", Map::new()).await.unwrap_err();
    assert!(late.to_string().contains("no answer to tools/call"), "{late}");
    drop(session);
    assert_ne!(tell(&programs, &program).await, first);
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let programs = Programs::new(None);
    for (mode, wait, parts) in [
        ("dead", LONG, ["the program has ended", "(program 'script'). It said: starting with ***"]),
        ("mute", Duration::from_millis(500), ["no answer to initialize", "starting with ***"]),
        ("future", LONG, ["does not keep to the protocol", "2999-01-01"]),
    ] {
        let program = program(directory.path(), mode);
        let Err(error) = Session::start(&programs, &program, wait, LONG).await else { panic!("{mode}") };
        for part in parts {
            assert!(error.to_string().contains(part), "{mode}: {error}");
        }
    }
    let mut absent = program(directory.path(), "");
    absent.launch.program = "/no/such/program".into();
    let Err(error) = Session::start(&programs, &absent, LONG, LONG).await else { panic!() };
    assert!(error.to_string().contains("the program 'script' cannot be started"), "{error}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
}
