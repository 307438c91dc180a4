use super::*;

fn ids<K: Clone>(found: &[(K, f64)]) -> Vec<K> {
    found.iter().map(|(id, _)| id.clone()).collect()
}

#[test]
fn one_list_of_many() {
    let merged = merge([
        vec![("a", 0.5), ("b", 0.9)],
        vec![("b", 0.4), ("c", 0.7), ("a", 0.6)],
        vec![("d", f64::NAN), ("d", 0.1)],
    ]);
    assert_eq!(merged, [("b", 0.9), ("c", 0.7), ("a", 0.6), ("d", 0.1)]);
    assert!(merge(Vec::<Vec<(u8, f64)>>::new()).is_empty());
    assert_eq!(ids(&merge([vec![("x", f64::NAN)], vec![("y", 0.0)]])), ["y", "x"]);
}

#[test]
fn the_end_of_a_search() {
    let found = vec![("a", 0.2), ("b", 0.9), ("c", 0.5), ("d", 0.5), ("e", f64::NAN)];
    for (threshold, top_k, expected) in [
        (None, 10, &["b", "c", "d", "a", "e"][..]),
        (None, 2, &["b", "c"]),
        (Some(0.5), 10, &["b", "c", "d"]),
        (Some(0.5), 2, &["b", "c"]),
        (Some(0.95), 2, &[]),
        (None, 0, &[]),
    ] {
        assert_eq!(ids(&cut(found.clone(), threshold, top_k)), expected, "{threshold:?} {top_k}");
    }
}

#[test]
fn children_under_parents() {
    let groups = group(vec![("p1c1", 0.3), ("p2c1", 0.8), ("p1c2", 0.9), ("p2c2", 0.85)], |(id, _)| id.split_at(2).0);
    let shape: Vec<_> = groups.iter().map(|group| (group.parent, group.score, ids(&group.found))).collect();
    assert_eq!(shape, [("p1", 0.9, vec!["p1c2", "p1c1"]), ("p2", 0.85, vec!["p2c2", "p2c1"])]);
}

#[test]
fn words_and_meaning_weighed() {
    let found = [
        Weighed { id: "meaning", text: "a feline animal", meaning: 0.9 },
        Weighed { id: "words", text: "The cat sat.", meaning: 0.2 },
        Weighed { id: "neither", text: "stock prices", meaning: 0.1 },
    ];
    assert_eq!(ids(&weighted_score("cat", &found, (1.0, 0.0))), ["meaning", "words", "neither"]);
    assert_eq!(ids(&weighted_score("cat", &found, (0.0, 1.0))), ["words", "meaning", "neither"]);
    // Of the text {cat, sat}, both in one text of three: each weighs ln(4/2)+1, so the cosine is 1/sqrt(2).
    let scores = weighted_score("Where is the cat?", &found, (0.7, 0.3));
    let words = scores.iter().find(|(id, _)| *id == "words").unwrap().1;
    assert!((words - (0.7 * 0.2 + 0.3 * std::f64::consts::FRAC_1_SQRT_2)).abs() < 1e-9, "{words}");
    assert!(weighted_score("知识", &[Weighed { id: 1, text: "知识库", meaning: 0.0 }], (0.0, 1.0))[0].1 > 0.5);
    assert_eq!(weighted_score("", &[Weighed { id: 1, text: "", meaning: 0.5 }], (0.5, 0.5)), [(1, 0.25)]);
}

#[test]
fn both_sides_in_one_order() {
    let words = [("both", 12.0), ("w", 10.0), ("w2", 1.0)];
    let meaning = [("m", 0.8), ("both", 0.78), ("m2", 0.4)];
    let found = candidates(&words, &meaning);
    assert_eq!(found[0], Candidate { id: "both", words: Some(12.0), meaning: Some(0.78) });
    let fused = hybrid(&found, None);
    assert_eq!(fused[0].0, "both");
    assert!(fused.iter().all(|(_, score)| (0.0..=1.0).contains(score)), "{fused:?}");
    assert_eq!(ids(&hybrid(&found, Some(0.0)))[..2], ["both", "w"]);
    assert_eq!(ids(&hybrid(&found, Some(1.0)))[..2], ["m", "both"]);
    // A score that was filled in counts.
    let mut filled = found.clone();
    for one in &mut filled {
        one.meaning = one.meaning.or(Some(if one.id == "w" { 0.79 } else { 0.1 }));
    }
    assert_eq!(ids(&hybrid(&filled, Some(0.5)))[..2], ["both", "w"]);
    // One side is empty or says nothing: the other decides.
    for (words, meaning, expected) in [
        (&[][..], &[("a", 0.1), ("b", 0.9)][..], vec!["b", "a"]),
        (&[("a", 1.0), ("b", 5.0)], &[], vec!["b", "a"]),
        (&[("a", 2.0), ("b", 5.0)], &[("a", 0.5), ("b", 0.5)], vec!["b", "a"]),
        (&[("a", f64::NAN), ("b", 5.0)], &[("a", 0.5), ("b", 0.5)], vec!["b", "a"]),
        (&[], &[], vec![]),
    ] {
        assert_eq!(ids(&hybrid(&candidates(words, meaning), None)), expected);
    }
}
