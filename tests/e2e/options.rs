//! Mistakes: an exit code, one line, and what to do.

use crate::support::{L1, Mezz, run, run_in, turn};

#[tokio::test]
async fn mistakes_on_the_command_line_are_named() {
    for (args, part) in [
        (&["up", "--block-time", "3x"][..], "use ms, s, m, h or d"),
        (&["up", "--block-time", "1ms"], "between 10"),
        (&["up", "--l1-block-time", "500ms"], "whole seconds"),
        (&["up", "--kind", "magic"], "optimistic"),
        (&["up", "--l2-port", "70000"], "70000"),
        (&["up", "--no-such-option"], "--no-such-option"),
        (&["send", "1", "one"], "write for example 1.5"),
        (&["fly"], "fly"),
    ] {
        let output = run(args).await;
        assert!(!output.success, "{args:?}: {output:?}");
        let errors = output.stderr.lines().filter(|line| line.starts_with("error:")).count();
        assert_eq!(errors, 1, "{args:?}: {output:?}");
        assert!(output.stderr.starts_with("error:"), "{args:?}: {output:?}");
        assert!(output.stderr.contains(part), "{args:?}: `{part}` in {output:?}");
        assert!(output.stdout.is_empty(), "{args:?}: {output:?}");
    }
}

#[tokio::test]
async fn values_that_cannot_work_are_named() {
    let free = ["--l1-port", "0", "--l2-port", "0"];
    for (args, part) in [
        (&["up", "--sequencing-window", "1"][..], "sequencingWindow"),
        (&["up", "--max-drift", "2d"], "maxSequencerDrift"),
        (&["up", "--gas-limit", "1"], "gas"),
        (&["up", "--l1", "not a url"], "not a url"),
        (&["up", "--l1", "http://127.0.0.1:1"], "http://127.0.0.1:1"),
        (&["--log", "=,=", "up"], "--log"),
        (&["--config", "absent.toml", "up"], "absent.toml"),
        (&["--data-dir", "/dev/null/x", "up"], "/dev/null/x"),
    ] {
        run(&[args, &free].concat()).await.assert_error(part);
    }
}

#[tokio::test]
async fn mistakes_with_key_files_are_named() {
    for (args, part) in [
        (&["new", "k", "--password-file", "/dev/null"][..], "the password of k is empty"),
        (&["address", "k"], "cannot open the key file k: No such file"),
        (&["address", "/dev/null"], "it is no encrypted key file"),
    ] {
        run(&[&["key"], args].concat()).await.assert_error(part);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_on_a_running_chain_are_named() {
    let _turn = turn().await;
    let dir = tempfile::tempdir().unwrap();
    let _mezz = Mezz::up(dir.path(), &L1::Embedded, &[]).await;
    let nothing = "0x00000000000000000000000000000000000000000000000000000000000000ff";
    for (args, part) in [
        (&["deposit", "one"][..], "write for example 1.5"),
        (&["deposit", "1.0000000000000000001"], "decimal places"),
        (&["deposit", "100000000"], "funds"),
        (&["send", "99", "1"], "from 0 to 9"),
        (&["send", "1", "1", "--from", "99"], "from 0 to 9"),
        (&["send", "1", "100000000"], "funds"),
        (&["withdraw", "--tx", nothing], "has no transaction"),
        (&["l1", "revert", "77"], "no snapshot 77"),
        (&["balance", "nobody"], "from 0 to 9"),
    ] {
        run_in(dir.path(), args).await.assert_error(part);
    }
}
