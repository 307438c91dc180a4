use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const WORDS: [&str; 8] = ["alpha", "beta", "gamma", "delta", "omega", "向量", "数据", "e-77"];

#[derive(Clone, Debug)]
enum Step {
    Put { number: u8, document: u8, words: Vec<u8>, seed: Option<u16> },
    Remove(u8),
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let put = (0..40_u8, 0..6_u8, prop::collection::vec(0..8_u8, 0..5), prop::option::of(any::<u16>()))
        .prop_map(|(number, document, words, seed)| Step::Put { number, document, words, seed });
    let step = prop_oneof![3 => put, 1 => (0..40_u8).prop_map(Step::Remove)];
    prop::collection::vec(prop::collection::vec(step, 0..30), 1..8)
}

fn change(step: &Step) -> Change {
    match step {
        Step::Remove(number) => Change::Remove(Uuid::from_u128((*number).into())),
        Step::Put { number, document: of, words, seed } => {
            let words: Vec<&str> = words.iter().map(|word| WORDS[usize::from(*word)]).collect();
            let mut node = node((*number).into(), &words.join(" "));
            node.document_id = document((*of).into());
            node.vector = seed.map(|seed| Dice(seed.into()).vector(6));
            Change::Put(node)
        }
    }
}

type Model = BTreeMap<Uuid, Node>;

fn verify(index: &LocalIndex, model: &Model) -> Result<(), TestCaseError> {
    let mut ids = index.ids().unwrap();
    ids.sort();
    prop_assert_eq!(ids, model.keys().copied().collect::<Vec<_>>());
    for scope in [Scope::All, scope([1, 3]), scope([0])] {
        let inside = |node: &&Node| match &scope {
            Scope::All => true,
            Scope::Documents(documents) => documents.contains(&node.document_id),
        };
        for word in WORDS {
            let expected: Vec<Uuid> =
                model.values().filter(inside).filter(|node| node.text.contains(word)).map(|node| node.id).collect();
            let mut hits: Vec<Uuid> = index.search_text(word, 100, &scope).unwrap().iter().map(|hit| hit.id).collect();
            hits.sort();
            prop_assert_eq!(hits, expected, "{}", word);
        }
        let query = Dice(99).vector(6);
        let mut expected: Vec<(f32, Uuid)> = model
            .values()
            .filter(inside)
            .filter_map(|node| node.vector.as_ref().map(|vector| (dot(vector, &query), node.id)))
            .collect();
        expected.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for top in [1, 5, 100] {
            let hits = index.search_vector(&query, top, &scope).unwrap();
            let hits: Vec<(f32, Uuid)> = hits.iter().map(|hit| (hit.score, hit.id)).collect();
            prop_assert_eq!(&hits[..], &expected[..top.min(expected.len())]);
        }
    }
    for node in model.values() {
        prop_assert_eq!(&index.vectors(&[node.id]).unwrap()[0], &node.vector);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn it_finds_what_a_list_would(batches in steps(), reopen in any::<u8>()) {
        let dir = tempfile::tempdir().unwrap();
        // A graph from ten vectors on, so that both ways are walked.
        let codes = if reopen % 3 == 0 { 1 << 20 } else { 0 };
        let options = Options { exact_until: 10, tail_until: 4, codes, ..small() };
        let mut index = LocalIndex::open(dir.path(), options).unwrap();
        let mut model = Model::new();
        for (turn, batch) in batches.iter().enumerate() {
            let changes: Vec<Change> = batch.iter().map(change).collect();
            for change in &changes {
                match change {
                    Change::Put(node) => { model.insert(node.id, node.clone()); }
                    Change::Remove(id) => { model.remove(id); }
                }
            }
            index.apply(changes, mark(turn as i64 + 1)).unwrap();
            if reopen >> (turn % 8) & 1 == 1 {
                index.settle();
                drop(index);
                index = LocalIndex::open(dir.path(), options).unwrap();
            }
            prop_assert_eq!(index.mark(), mark(turn as i64 + 1));
        }
        verify(&index, &model)?;
    }
}
