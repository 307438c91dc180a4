use super::*;

fn texts(texts: &[&str]) -> (tempfile::TempDir, LocalIndex) {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    let nodes = texts.iter().zip(1..).map(|(text, number)| node(number, text));
    index.apply(put(nodes), mark(1)).unwrap();
    (dir, index)
}

#[test]
fn the_best_text_comes_first() {
    let (_dir, index) = texts(&[
        "The cat sat on the mat and looked at the dog.",
        "Cats, cats and more cats: a cat book.",
        "A treatise on vector databases and approximate search.",
        "Searching databases",
    ]);
    let table: &[(&str, &[u128])] = &[
        ("cat", &[2, 1]),
        ("Where did the CAT sit? Where is the mat?", &[1, 2]),
        ("database search", &[4, 3]),
        ("approximate", &[3]),
        ("zebra", &[]),
    ];
    for (query, expected) in table {
        assert_eq!(found(&index, query), *expected, "{query}");
    }
}

#[test]
fn questions_in_any_script_find_their_text() {
    let (_dir, index) = texts(&[
        "向量数据库支持全文检索和语义检索",
        "个人所得税的计算方法",
        "東京タワーは赤い塔です",
        "서울에서 맛있는 김치를 먹었다",
        "Error E-1042 is raised by foo_bar() in version 1.2.3",
        "Das Café in der Straße",
        "狗和猫",
        "ไทยแลนด์",
    ]);
    let table: &[(&str, u128)] = &[
        ("全文检索", 1),
        ("检索", 1),
        ("税", 2),
        ("怎么计算所得税？", 2),
        ("東京", 3),
        ("ﾀﾜｰ", 3),
        ("塔", 3),
        ("김치", 4),
        ("서울", 4),
        ("e-1042", 5),
        ("1042", 5),
        ("foo_bar", 5),
        ("FOOBAR", 5),
        ("1.2.3", 5),
        ("ｖｅｒｓｉｏｎ", 5),
        ("cafe strasse", 6),
        ("猫狗", 7),
        ("ไทย", 8),
    ];
    for (query, expected) in table {
        assert_eq!(found(&index, query).first(), Some(expected), "{query}");
    }
}

#[test]
fn any_text_is_a_question() {
    let (_dir, index) = texts(&["To be, or not to be", "plain words here", "A AND B OR NOT C"]);
    let long = "words ".repeat(50_000);
    let many: String = (0..20_000).map(|n| format!("w{n} ")).collect();
    let odd = ["", " ", "\"", "a:b^2 AND (", "NOT NOT", "*?~", "\\", "\0", "field:", "[1 TO 2}", "🙂", &long, &many];
    for query in odd {
        index.search_text(query, 5, &Scope::All).unwrap();
    }
    assert_eq!(found(&index, "\"plain words\" AND (nothing"), [2]);
    assert_eq!(found(&index, &long), [2]);
    assert_eq!(found(&index, "to be or not to be").first(), Some(&1), "stop words alone");
    assert_eq!(found(&index, "plain plain plain"), [2]);
    assert!(index.search_text("plain", 0, &Scope::All).unwrap().is_empty());
}

#[test]
fn words_of_a_person_count_more() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    let mut tagged = node(2, "something about other things");
    tagged.keywords = vec!["invoice".into(), "发票".into(), "税".into()];
    index.apply(put([node(1, "an invoice is here, about other things"), tagged]), mark(1)).unwrap();
    assert_eq!(found(&index, "invoices"), [2, 1]);
    assert_eq!(found(&index, "发票"), [2]);
    assert_eq!(found(&index, "税"), [2]);
}

#[test]
fn a_scope_is_applied_before_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    // The nearer a number to a thousand, the better it goes with the question.
    let nodes = (0..1000).map(|number| node(number, &format!("common {}", "word ".repeat(number as usize % 7 + 1))));
    index.apply(put(nodes), mark(1)).unwrap();
    for documents in [vec![3], vec![3, 50, 99], (0..100).collect()] {
        let hits = index.search_text("word", 20, &scope(documents.clone())).unwrap();
        assert_eq!(hits.len(), 20.min(documents.len() * 10));
        for hit in &hits {
            assert!(documents.contains(&(hit.id.as_u128() / 10)));
            assert_eq!(hit.document_id, document(hit.id.as_u128() / 10));
            assert_eq!(hit.segment_id.as_u128(), hit.id.as_u128() + (1 << 64));
        }
        let alone = index.search_text("word", 1000, &scope(documents)).unwrap();
        assert_eq!(numbers(&alone)[..hits.len()], numbers(&hits));
    }
    assert!(index.search_text("word", 20, &scope([])).unwrap().is_empty());
    assert!(index.search_text("word", 20, &scope([5000])).unwrap().is_empty());
    // More documents than are looked up as terms.
    let many: Vec<u128> = (0..3000).filter(|document| *document != 7).collect();
    let hits = index.search_text("word", 1000, &scope(many)).unwrap();
    assert_eq!(hits.len(), 990);
    assert!(hits.iter().all(|hit| hit.document_id != document(7)));
}

#[test]
fn the_cut_keeps_the_best_over_all_parts_of_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    let mut dice = Dice(7);
    for batch in 0..6 {
        let nodes = (0..200).map(|n| {
            let text: Vec<&str> =
                (0..1 + dice.below(12)).map(|_| ["red", "green", "blue", "filler"][dice.below(4) as usize]).collect();
            node(batch * 200 + n, &text.join(" "))
        });
        index.apply(put(nodes), mark(batch as i64 + 1)).unwrap();
    }
    let all = index.search_text("red green", 1200, &Scope::All).unwrap();
    assert!(all.is_sorted_by(|a, b| a.score >= b.score));
    for top in [1, 3, 10, 50] {
        let cut = index.search_text("red green", top, &Scope::All).unwrap();
        let scores = |hits: &[Hit]| hits.iter().map(|hit| hit.score).collect::<Vec<_>>();
        assert_eq!(scores(&cut), scores(&all[..top]), "{top}");
    }
}

#[test]
fn a_picture_is_found_by_its_vector_alone() {
    let (_dir, index) = texts(&["some words"]);
    let picture = Node { kind: NodeKind::Picture, ..with_vector(7, "words", &[0.0, 1.0]) };
    index.apply(put([picture]), mark(2)).unwrap();
    let hits = index.search_vector(&[0.0, 1.0], 10, &Scope::All).unwrap();
    assert_eq!(hits.iter().map(|hit| (hit.id.as_u128(), hit.kind)).collect::<Vec<_>>(), [(7, NodeKind::Picture)]);
    assert_eq!(found(&index, "words"), [1]);
    assert_eq!(index.stats().nodes, 2);
}

#[test]
fn a_node_is_replaced_and_removed() {
    let (_dir, index) = texts(&["first words", "second words"]);
    let mut child = node(1, "other content");
    child.kind = NodeKind::Child;
    child.document_id = document(9);
    index.apply(put([child]), mark(2)).unwrap();
    assert_eq!(found(&index, "first"), [0_u128; 0]);
    let hit = index.search_text("content", 10, &Scope::All).unwrap()[0];
    assert_eq!((hit.id.as_u128(), hit.kind, hit.document_id), (1, NodeKind::Child, document(9)));
    index.apply(vec![Change::Remove(Uuid::from_u128(2)), Change::Remove(Uuid::from_u128(77))], mark(3)).unwrap();
    assert_eq!(found(&index, "words"), [0_u128; 0]);
    assert_eq!(index.stats().nodes, 1);
    assert_eq!(index.mark(), mark(3));
    let changes = vec![
        Change::Put(node(5, "early")),
        Change::Remove(Uuid::from_u128(5)),
        Change::Put(node(5, "late")),
        Change::Put(node(6, "gone")),
        Change::Remove(Uuid::from_u128(6)),
    ];
    index.apply(changes, mark(4)).unwrap();
    assert_eq!(found(&index, "early late gone"), [5]);
}

#[test]
fn ten_thousand_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    let mut dice = Dice(3);
    let nodes = (0..10_050).map(|number| with_vector(number, "the same words for all", &dice.vector(4)));
    index.apply(put(nodes), mark(1)).unwrap();
    index.apply((0..10_000).map(|number| Change::Remove(Uuid::from_u128(number))).collect(), mark(2)).unwrap();
    assert_eq!(index.stats().nodes, 50);
    assert_eq!(index.stats().vectors, 50);
    let hits = index.search_text("words", 100, &Scope::All).unwrap();
    assert_eq!(hits.len(), 50);
    assert!(hits.iter().all(|hit| hit.id.as_u128() >= 10_000));
    let hits = index.search_vector(&[1.0, 0.0, 0.0, 0.0], 100, &Scope::All).unwrap();
    assert_eq!(hits.len(), 50);
    assert!(hits.iter().all(|hit| hit.id.as_u128() >= 10_000));
    index.settle();
    assert!(index.stats().bytes < 200_000, "{:?}", index.stats());
    assert_eq!(index.search_vector(&[1.0, 0.0, 0.0, 0.0], 100, &Scope::All).unwrap(), hits);
}

/// A small index looks for words and vectors one after the other, a large one at the same time.
#[test]
fn words_and_vectors_together_find_what_each_finds_alone() {
    let mut dice = Dice(7);
    for count in [20_u128, 320] {
        let dir = tempfile::tempdir().unwrap();
        let index = open(dir.path());
        let words = ["red", "green", "blue"];
        let nodes = (1..=count).map(|n| with_vector(n, words[(n % 3) as usize], &dice.vector(8)));
        index.apply(put(nodes), mark(1)).unwrap();
        index.settle();
        for scope in [Scope::All, scope([0, 1])] {
            let vector = dice.vector(8);
            let both = index.search_both("green", &vector, 5, &scope).unwrap();
            assert_eq!(numbers(&both.words), numbers(&index.search_text("green", 5, &scope).unwrap()), "{count}");
            assert_eq!(numbers(&both.vectors), numbers(&index.search_vector(&vector, 5, &scope).unwrap()), "{count}");
            assert_eq!((both.words.len(), both.vectors.len()), (5, 5), "{count}");
        }
        let wrong = index.search_both("green", &[1.0], 5, &Scope::All);
        assert!(matches!(wrong, Err(Error::Dimension { expected: 8, got: 1 })), "{wrong:?}");
    }
}
