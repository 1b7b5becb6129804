//! Whoever follows the README from its first command on sees what it promises.

use super::SOON;
use super::checks::console;
use super::locator::{button, link, text};
use super::up::Up;
use devstack::login_link;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// What was to be started runs already.
const PREPARED: &str = "exec 2>&1; make() { echo \"make $*\"; }\n";
const README: &str = include_str!("../../../../README.md");
const SECTION: &str = "## A link that waits, by hand";
const DONE: &str = "--- done ---";

/// The commands of the section, block by block.
fn blocks() -> Vec<&'static str> {
    let (_, section) = README.split_once(SECTION).expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let blocks = section.split("```sh\n").skip(1);
    blocks.filter_map(|rest| rest.split("```").next()).collect()
}

/// The newcomer's terminal, in which `make up` has nothing left to do.
struct Terminal {
    _shell: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Terminal {
    async fn open(up: &Up) -> Terminal {
        let folder = up.folder().join(".devstack");
        std::fs::create_dir(&folder).unwrap();
        let variables = up
            .variables()
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"));
        std::fs::write(folder.join("env"), variables.collect::<String>()).unwrap();
        let mut shell = Command::new("bash")
            .args(["-eu", "-o", "pipefail"])
            .current_dir(up.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut input = shell.stdin.take().unwrap();
        input.write_all(PREPARED.as_bytes()).await.unwrap();
        Terminal {
            input,
            output: BufReader::new(shell.stdout.take().unwrap()).lines(),
            _shell: shell,
        }
    }

    /// What the commands print.
    async fn run(&mut self, commands: &str) -> String {
        let commands = format!("{commands}\necho; echo '{DONE}'\n");
        self.input.write_all(commands.as_bytes()).await.unwrap();
        let mut printed = String::new();
        let until_done = async {
            loop {
                match self.output.next_line().await.unwrap() {
                    Some(line) if line == DONE => return,
                    Some(line) => printed.extend([line.as_str(), "\n"]),
                    None => panic!("the shell ended:\n{printed}"),
                }
            }
        };
        let done = tokio::time::timeout(SOON, until_done).await;
        assert!(done.is_ok(), "not done within {SOON:?}:\n{printed}");
        printed
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomer_who_follows_the_readme_sees_a_link_wait_and_resolve_and_a_run_finish() {
    let up = Up::start().await;
    let window = &up.window;
    let mut terminal = Terminal::open(&up).await;
    let blocks: [&str; 3] = blocks()
        .try_into()
        .expect("starting, a report, the manager and a run");
    let [start, report, manager] = blocks;

    assert!(terminal.run(start).await.contains("make up"));
    window
        .open(&login_link(&up.programs, up.variables()).unwrap())
        .await;
    window.click(&button("Log in")).await;
    window.arrives("/").await;
    window.sees(&text("All in step")).await;

    let told = terminal.run(report).await;
    assert!(told.contains("\"reference\":\"ada@example.com\""), "{told}");
    window.click(&link("Waiting")).await;
    window.sees(&text("ada@example.com")).await;

    // The one page that shows it without being asked again.
    window.click(&link("Live")).await;
    window.sees(&text("is new").beside("grace@example.com")).await;
    terminal.run(manager).await;
    window
        .sees(&text("was linked: manager").beside("grace@example.com"))
        .await;
    let told = terminal.run("scim \"$OPS_URL/receipts/$receipt\"").await;
    assert!(told.contains("\"state\":\"applied\""), "{told}");

    window.click(&link("Runs")).await;
    window.sees(&text("finished").beside("Everything")).await;
    assert_eq!(console(window).await, [] as [&str; 0]);
}
