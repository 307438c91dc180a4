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
    let fused = hybrid(&found, None).order;
    assert_eq!(fused[0].0, "both");
    assert!(fused.iter().all(|(_, score)| (0.0..=1.0).contains(score)), "{fused:?}");
    assert!((fused[0].1 - 0.8).abs() < 1e-9, "the best has the best cosine: {fused:?}");
    assert_eq!(ids(&weighed(&found, 0.0))[..2], ["both", "w"]);
    assert_eq!(ids(&weighed(&found, 1.0))[..2], ["m", "both"]);
    // A score that was filled in counts.
    let mut filled = found.clone();
    for one in &mut filled {
        one.meaning = one.meaning.or(Some(if one.id == "w" { 0.79 } else { 0.1 }));
    }
    assert_eq!(ids(&weighed(&filled, 0.5))[..2], ["both", "w"]);
    // One side is empty or says nothing: the other decides.
    for (words, meaning, expected) in [
        (&[][..], &[("a", 0.1), ("b", 0.9)][..], vec!["b", "a"]),
        (&[("a", 1.0), ("b", 5.0)], &[], vec!["b", "a"]),
        (&[("a", 2.0), ("b", 5.0)], &[("a", 0.5), ("b", 0.5)], vec!["b", "a"]),
        (&[("a", f64::NAN), ("b", 5.0)], &[("a", 0.5), ("b", 0.5)], vec!["b", "a"]),
        (&[], &[], vec![]),
    ] {
        assert_eq!(ids(&hybrid(&candidates(words, meaning), None).order), expected);
    }
}

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        ((0..4).map(|_| self.next()).sum::<f64>() - 2.0) * 3.0_f64.sqrt()
    }
}

/// The best 50 of 600 as the two sides give them, and all cosines. BM25 begins at nothing and has a long tail, cosines
/// lie about a middle; what is relevant stands out on a good side by some margin, on a bad one hardly.
fn sides(dice: &mut Dice, relevant: usize, (words, meaning): (f64, f64)) -> [Vec<(usize, f64)>; 3] {
    let margin = |id: usize, margin: f64| if id == relevant { margin } else { 0.0 };
    let words = (0..600).map(|id| (id, -2.0 * (1.0 - dice.next()).ln() + margin(id, words))).collect();
    let all: Vec<(usize, f64)> = (0..600).map(|id| (id, 0.15 + 0.1 * (dice.normal() + margin(id, meaning)))).collect();
    [cut(words, None, 50), cut(all.clone(), None, 50), all]
}

/// The margins of words and of meaning; what is gained at least over the better side by a question alone, and with what
/// was learnt from those before; the side that is doubted at the end.
type Expected = ((f64, f64), f64, f64, Option<Side>);

const TABLE: &[Expected] = &[
    // Both good: each adds what the other lacks.
    ((12.0, 3.5), 0.08, 0.08, None),
    ((14.0, 2.5), 0.015, 0.015, None),
    // One weak, but not nothing.
    ((8.0, 4.0), -0.05, -0.05, None),
    ((16.0, 1.5), -0.01, -0.005, Some(Side::Meaning)),
    ((4.0, 4.5), -0.08, -0.015, Some(Side::Words)),
    // One by chance.
    ((2.0, 4.0), -0.15, -0.005, Some(Side::Words)),
    ((0.0, 4.5), -0.1, -0.015, Some(Side::Words)),
    ((18.0, 0.0), -0.005, -0.005, Some(Side::Meaning)),
    // One exact.
    ((40.0, 3.0), -0.001, -0.001, None),
    ((8.0, 15.0), -0.001, -0.001, None),
    ((40.0, 0.0), -0.001, -0.001, Some(Side::Meaning)),
    ((0.0, 15.0), -0.001, -0.001, Some(Side::Words)),
];

#[test]
fn both_sides_are_not_worse_than_the_better_one() {
    const QUESTIONS: usize = 160;
    for (margins, alone, learnt, doubted) in TABLE.iter().copied() {
        let mut dice = Dice(7);
        let mut trust = Trust::default();
        let mut reached = [0.0_f64; 4];
        for query in 0..QUESTIONS {
            let [words, meaning, all] = sides(&mut dice, query, margins);
            let mut found = candidates(&words, &meaning);
            for one in &mut found {
                one.meaning = Some(all[one.id].1);
            }
            let fused = hybrid(&found, trust.doubted());
            trust.learn(query as u64, fused.seen.unwrap());
            let judged = crate::measures::Judged::from([(query, 1.0)]);
            for (sum, list) in reached.iter_mut().zip([words, meaning, hybrid(&found, None).order, fused.order]) {
                *sum += crate::measures::ndcg_at(&ids(&cut(list, None, 10)), &judged, 10) / QUESTIONS as f64;
            }
        }
        let better = reached[0].max(reached[1]);
        assert!(reached[2] >= better + alone, "{margins:?} alone: {reached:?}");
        assert!(reached[3] >= better + learnt, "{margins:?} learnt: {reached:?}");
        assert_eq!(trust.doubted(), doubted, "{margins:?}");
    }
}

#[test]
fn scores_are_cosines_in_the_new_order() {
    let words: Vec<_> = [(5, 30.0)].into_iter().chain((10..59).map(|id| (id, 4.0 - f64::from(id) * 0.03))).collect();
    let meaning: Vec<_> = (0..50).map(|id| (id, 0.5 - f64::from(id) * 0.004)).collect();
    let order = hybrid(&candidates(&words, &meaning), None).order;
    assert_eq!(order[0], (5, 0.5), "what words are sure of is first, with the best cosine");
    assert!(order.windows(2).all(|pair| pair[0].1 >= pair[1].1));
    let above = |list: &[(i32, f64)]| list.iter().filter(|one| one.1 >= 0.4).count();
    assert_eq!(above(&order), above(&meaning), "a threshold leaves as many");
}

#[test]
fn a_side_is_doubted_for_good_reasons() {
    let seen = |(agreement, words, meaning)| Seen { agreement, words, meaning };
    let (chance, good) = ((0.0, 4.0, -0.2), (0.8, 4.0, 1.3));
    for (told, expected) in [
        // Too few questions, then enough; either side; equally strong strangers stay.
        (&[(7, chance)][..], None),
        (&[(8, chance)], Some(Side::Meaning)),
        (&[(8, (0.0, 0.5, 1.3))], Some(Side::Words)),
        (&[(200, (0.0, 3.6, 1.3))], None),
        // Standing out by nothing, where they seldom agree.
        (&[(31, (0.3, 3.6, 0.1))], None),
        (&[(32, (0.3, 3.6, 0.1))], Some(Side::Meaning)),
        (&[(200, (0.6, 3.6, 0.0))], None),
        // A few better questions do not change the mind, many do.
        (&[(20, chance), (10, (0.2, 4.0, 0.3))], Some(Side::Meaning)),
        (&[(20, chance), (80, good)], None),
        (&[(20, good), (200, chance)], Some(Side::Meaning)),
    ] {
        let mut trust = Trust::default();
        let all = told.iter().flat_map(|(count, one)| std::iter::repeat_n(*one, *count));
        for (question, one) in all.enumerate() {
            trust.learn(question as u64, seen(one));
        }
        assert_eq!(trust.doubted(), expected, "{told:?}");
    }
    let mut trust = Trust::default();
    (0..100).for_each(|_| trust.learn(7, seen(chance)));
    assert_eq!(trust.doubted(), None, "one question, asked again and again");
}
