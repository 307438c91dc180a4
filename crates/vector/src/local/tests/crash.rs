use std::{collections::BTreeSet, process::Command, time::Duration};

use super::*;

const DIR: &str = "OXIDIFY_TEST_INDEX";
const DIMENSION: usize = 8;

/// Step by step: five nodes come, and the first two of three steps ago go.
fn step(seq: i64) -> Vec<Change> {
    let first = seq as u128 * 5;
    let mut changes = put((first..first + 5).map(|n| with_vector(n, &format!("step word{n}"), &vector(n))));
    if seq > 3 {
        let old = (seq - 3) as u128 * 5;
        changes.extend([old, old + 1].map(|n| Change::Remove(Uuid::from_u128(n))));
    }
    changes
}

fn vector(number: u128) -> Vec<f32> {
    Dice(number as u64).vector(DIMENSION)
}

fn after(seq: i64) -> BTreeSet<u128> {
    let mut nodes = BTreeSet::new();
    for seq in 1..=seq {
        for change in step(seq) {
            match change {
                Change::Put(node) => nodes.insert(node.id.as_u128()),
                Change::Remove(id) => nodes.remove(&id.as_u128()),
            };
        }
    }
    nodes
}

/// Words and vectors are what the mark says.
fn verify(index: &LocalIndex) {
    let seq = index.mark().seq;
    assert_eq!(index.mark(), if seq == 0 { Mark::default() } else { mark(seq) });
    let expected = after(seq);
    let ids: BTreeSet<u128> = index.ids().unwrap().iter().map(Uuid::as_u128).collect();
    assert_eq!(ids, expected, "at {seq}");
    let count = expected.len().max(1);
    let by_words = index.search_text("step", count * 2, &Scope::All).unwrap();
    assert_eq!(numbers(&by_words).into_iter().collect::<BTreeSet<_>>(), expected);
    let by_vector = index.search_vector(&vector(0), count * 2, &Scope::All).unwrap();
    assert_eq!(numbers(&by_vector).into_iter().collect::<BTreeSet<_>>(), expected);
    for number in expected {
        assert_eq!(found(index, &format!("word{number}")), [number]);
        assert_eq!(index.vectors(&[Uuid::from_u128(number)]).unwrap(), [Some(vector(number))]);
    }
}

/// What the child of the next test does.
#[test]
fn a_process_that_is_killed() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let index = open(Path::new(&dir));
    for seq in index.mark().seq + 1.. {
        index.apply(step(seq), mark(seq)).unwrap();
    }
}

#[test]
fn a_kill_at_any_point_leaves_words_and_vectors_at_one_mark() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(std::process::id().into());
    let mut last = 0;
    for _ in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "local::tests::crash::a_process_that_is_killed"])
            .env(DIR, dir.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(60 + dice.below(250)));
        child.kill().unwrap();
        child.wait().unwrap();
        let index = open(dir.path());
        verify(&index);
        assert!(index.mark().seq >= last, "what was committed stays");
        last = index.mark().seq;
    }
    assert!(last > 0);
}

/// Copies a directory; false when a file was renamed meanwhile by work in the background.
fn copied(from: &Path, to: &Path) -> bool {
    fs::read_dir(from).unwrap().all(|entry| {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).is_ok()
    })
}

/// Files that were written but not committed, at every step of growing and leaving out.
#[test]
fn a_directory_as_it_is_after_each_step_opens_there() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    for seq in 1..=12 {
        index.apply(step(seq), mark(seq)).unwrap();
        let copies = std::iter::repeat_with(|| tempfile::tempdir().unwrap()).take(20);
        let seen = copies.into_iter().find(|seen| copied(dir.path(), seen.path())).unwrap();
        // What a commit that did not come had written.
        let vectors = fs::OpenOptions::new().append(true).open(seen.path().join("vectors-0.f32")).unwrap();
        vectors.set_len(vectors.metadata().unwrap().len() + 100).unwrap();
        fs::write(seen.path().join("vectors-1.f32"), b"begun").unwrap();
        fs::write(seen.path().join("graph-0.new"), b"begun").unwrap();
        let copy = open(seen.path());
        assert_eq!(copy.mark().seq, seq);
        verify(&copy);
        copy.apply(step(seq + 1), mark(seq + 1)).unwrap();
        verify(&copy);
        assert!(!seen.path().join("vectors-1.f32").exists());
    }
}

#[test]
fn an_index_is_opened_where_it_was_left() {
    let dir = tempfile::tempdir().unwrap();
    for seq in 1..=6 {
        let index = open(dir.path());
        assert_eq!(index.mark().seq, seq - 1);
        index.apply(step(seq), mark(seq)).unwrap();
        index.apply(Vec::new(), mark(seq)).unwrap();
        verify(&index);
    }
    let index = open(dir.path());
    index.apply(Vec::new(), mark(70)).unwrap();
    drop(index);
    assert_eq!(open(dir.path()).mark(), mark(70), "a mark without changes stays too");
}

#[test]
fn one_at_a_time_has_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    let second = LocalIndex::open(dir.path(), small());
    assert!(matches!(second, Err(Error::Locked(_))));
    let clone = index.clone();
    drop(index);
    assert!(matches!(LocalIndex::open(dir.path(), small()), Err(Error::Locked(_))), "a clone is the same index");
    drop(clone);
    open(dir.path());
}

#[test]
fn what_is_damaged_or_of_another_format_begins_anew() {
    type Damage = fn(&Path);
    fn files(dir: &Path, end: &str) -> Vec<PathBuf> {
        let all = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.to_string_lossy().ends_with(end)).collect()
    }
    fn shorten(path: &Path) {
        let length = fs::metadata(path).unwrap().len();
        fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length / 2).unwrap();
    }
    let table: &[(&str, Damage)] = &[
        ("no meta", |dir| fs::remove_file(dir.join("meta.json")).unwrap()),
        ("empty meta", |dir| fs::write(dir.join("meta.json"), b"").unwrap()),
        ("short meta", |dir| shorten(&dir.join("meta.json"))),
        ("other format", |dir| {
            let text = fs::read_to_string(dir.join("meta.json")).unwrap();
            let other = text.replace("\\\"format\\\":1", "\\\"format\\\":0");
            assert_ne!(text, other);
            fs::write(dir.join("meta.json"), other).unwrap();
        }),
        ("no vectors", |dir| fs::remove_file(dir.join("vectors-0.f32")).unwrap()),
        ("short vectors", |dir| shorten(&dir.join("vectors-0.f32"))),
        ("no columns", |dir| files(dir, ".fast").iter().for_each(|path| fs::remove_file(path).unwrap())),
        ("short columns", |dir| files(dir, ".fast").iter().for_each(|path| shorten(path))),
        ("short words", |dir| files(dir, ".term").iter().for_each(|path| shorten(path))),
        ("other words", |dir| {
            for path in files(dir, ".idx") {
                let mut bytes = fs::read(&path).unwrap();
                bytes[0] ^= 0x55;
                fs::write(&path, bytes).unwrap();
            }
        }),
        ("a folder", |dir| {
            fs::remove_file(dir.join("meta.json")).unwrap();
            fs::create_dir(dir.join("meta.json")).unwrap();
        }),
    ];
    for (name, damage) in table {
        let dir = tempfile::tempdir().unwrap();
        let index = open(dir.path());
        for seq in 1..=3 {
            index.apply(step(seq), mark(seq)).unwrap();
        }
        drop(index);
        damage(dir.path());
        let index = open(dir.path());
        assert_eq!(index.mark(), Mark::default(), "{name}");
        verify(&index);
        index.apply(step(1), mark(1)).unwrap();
        verify(&index);
    }
}

#[test]
fn a_damaged_graph_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let nodes = || put((0..1000).map(|n| with_vector(n, "step", &vector(n))));
    let index = open(dir.path());
    index.apply(nodes(), mark(1)).unwrap();
    index.settle();
    drop(index);
    let path = dir.path().join("graph-0.usearch");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&path, bytes).unwrap();
    let index = open(dir.path());
    assert_eq!(index.mark(), mark(1));
    index.settle();
    let hits = index.search_vector(&vector(500), 1, &Scope::All).unwrap();
    assert_eq!(numbers(&hits), [500]);
    assert!(index.shared().graph.read().unwrap().as_ref().is_some_and(|graph| graph.covered() == 1000));
}

#[test]
fn what_is_abandoned_keeps_nobody_waiting_and_is_whole_when_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    index.apply(put((0..1000).map(|n| with_vector(n, "step", &vector(n)))), mark(1)).unwrap();
    index.abandon();
    index.settle();
    drop(index);
    let index = open(dir.path());
    assert_eq!(index.mark(), mark(1));
    index.settle();
    let hits = index.search_vector(&vector(500), 1, &Scope::All).unwrap();
    assert_eq!(numbers(&hits), [500]);
}

#[test]
fn many_write_and_read_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    std::thread::scope(|threads| {
        for writer in 0..3_u128 {
            let index = index.clone();
            threads.spawn(move || {
                for turn in 0..10_u128 {
                    let first = writer * 1000 + turn * 20;
                    let nodes = (first..first + 20).map(|n| with_vector(n, &format!("step word{n}"), &vector(n)));
                    index.apply(put(nodes), mark(turn as i64 + 1)).unwrap();
                }
            });
        }
        for _ in 0..2 {
            let index = index.clone();
            threads.spawn(move || {
                for n in 0..100 {
                    index.search_text("step", 10, &Scope::All).unwrap();
                    if let Err(error) = index.search_vector(&vector(n), 10, &Scope::All) {
                        panic!("{error}");
                    }
                }
            });
        }
    });
    index.settle();
    assert_eq!((index.stats().nodes, index.stats().vectors), (600, 600));
    for n in [0, 1199 % 1000, 2100] {
        assert_eq!(numbers(&index.search_vector(&vector(n), 1, &Scope::All).unwrap()), [n]);
        assert_eq!(found(&index, &format!("word{n}")), [n]);
    }
}

/// A commit that readers could not be given is read before the next one, and taking the same changes in again does no harm.
#[test]
fn a_commit_that_was_not_shown_is_shown_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    for seq in 1..=8 {
        index.apply(step(seq), mark(seq)).unwrap();
        lock(&index.shared().writing).stale = true;
        if seq % 3 == 0 {
            *lock(&index.shared().mark) = mark(seq - 1);
            index.apply(step(seq), mark(seq)).unwrap();
        }
    }
    index.apply(step(9), mark(9)).unwrap();
    verify(&index);
}

#[test]
fn many_indexes_share_few_writers() {
    let dir = tempfile::tempdir().unwrap();
    let indexes: Vec<LocalIndex> = (0..16).map(|number| open(&dir.path().join(number.to_string()))).collect();
    for seq in 1..=3 {
        for index in &indexes {
            index.apply(step(seq), mark(seq)).unwrap();
        }
    }
    let writers = indexes.iter().filter(|index| lock(&index.shared().writing).writer.is_some()).count();
    assert!(writers <= 12, "{writers}");
    indexes.iter().for_each(verify);
}
