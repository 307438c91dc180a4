use super::*;

#[test]
fn the_nearest_come_first_with_their_cosine() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    let nodes = [
        with_vector(1, "a", &[1.0, 0.0]),
        with_vector(2, "b", &[0.6, 0.8]),
        with_vector(3, "c", &[0.0, 1.0]),
        with_vector(4, "d", &[-1.0, 0.0]),
        node(5, "words alone"),
    ];
    index.apply(put(nodes), mark(1)).unwrap();
    let hits = index.search_vector(&[0.0, 2.0], 3, &Scope::All).unwrap();
    assert_eq!(numbers(&hits), [3, 2, 1]);
    let scores: Vec<f32> = hits.iter().map(|hit| hit.score).collect();
    for (score, expected) in scores.iter().zip([1.0, 0.8, 0.0]) {
        assert!((score - expected).abs() < 1e-6, "{scores:?}");
    }
    assert_eq!(index.stats().dimension, Some(2));
    assert_eq!((index.stats().nodes, index.stats().vectors), (5, 4));
    let ids = [2, 5, 99, 1].map(Uuid::from_u128);
    assert_eq!(index.vectors(&ids).unwrap(), [Some(vec![0.6, 0.8]), None, None, Some(vec![1.0, 0.0])]);
}

#[test]
fn what_cannot_be_compared_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    assert!(index.search_vector(&[1.0], 3, &Scope::All).unwrap().is_empty(), "no vector yet");
    index.apply(put([with_vector(1, "a", &[1.0, 0.0])]), mark(1)).unwrap();
    let wrong = index.apply(put([node(2, "fine"), with_vector(3, "b", &[1.0, 0.0, 0.0])]), mark(2));
    assert!(matches!(wrong, Err(Error::Dimension { expected: 2, got: 3 })), "{wrong:?}");
    assert_eq!(index.mark(), mark(1));
    assert_eq!(found(&index, "fine"), [0_u128; 0], "all or nothing");
    for vector in [[f32::NAN, 0.0], [f32::INFINITY, 0.0], [0.0, 0.0]] {
        let wrong = index.apply(put([with_vector(4, "b", &vector)]), mark(2));
        assert!(matches!(wrong, Err(Error::NotComparable(Some(id))) if id.as_u128() == 4), "{wrong:?}");
        assert!(matches!(index.search_vector(&vector, 1, &Scope::All), Err(Error::NotComparable(None))));
    }
    let wrong = index.search_vector(&[1.0], 1, &Scope::All);
    assert!(matches!(wrong, Err(Error::Dimension { expected: 2, got: 1 })), "{wrong:?}");
}

#[test]
fn a_replaced_or_removed_vector_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    index.apply(put([with_vector(1, "a", &[1.0, 0.0]), with_vector(2, "b", &[0.0, 1.0])]), mark(1)).unwrap();
    index.apply(put([with_vector(1, "a", &[-1.0, 0.0])]), mark(2)).unwrap();
    let hits = index.search_vector(&[1.0, 0.0], 5, &Scope::All).unwrap();
    assert_eq!(numbers(&hits), [2, 1]);
    assert!((hits[1].score + 1.0).abs() < 1e-6);
    index.apply(put([node(2, "b without")]), mark(3)).unwrap();
    assert_eq!(numbers(&index.search_vector(&[1.0, 0.0], 5, &Scope::All).unwrap()), [1]);
    index.apply(vec![Change::Remove(Uuid::from_u128(1))], mark(4)).unwrap();
    assert!(index.search_vector(&[1.0, 0.0], 5, &Scope::All).unwrap().is_empty());
    assert_eq!(index.ids().unwrap(), [Uuid::from_u128(2)]);
}

/// Vectors in clusters, as embeddings are.
fn clustered(dice: &mut Dice, count: usize, dimension: usize) -> Vec<Vec<f32>> {
    let centers: Vec<Vec<f32>> = (0..count / 50 + 1).map(|_| dice.vector(dimension)).collect();
    (0..count).map(|n| dice.near(&centers[n % centers.len()], 0.8)).collect()
}

fn exact(vectors: &[Vec<f32>], query: &[f32], top: usize, wanted: impl Fn(usize) -> bool) -> Vec<u128> {
    let mut scored: Vec<(f32, usize)> =
        vectors.iter().enumerate().filter(|(n, _)| wanted(*n)).map(|(n, vector)| (dot(vector, query), n)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.iter().take(top).map(|(_, n)| *n as u128).collect()
}

fn recall(index: &LocalIndex, vectors: &[Vec<f32>], dice: &mut Dice, dead: impl Fn(usize) -> bool + Copy) -> f64 {
    let (mut right, mut all) = (0, 0);
    for _ in 0..60 {
        let one = dice.below(vectors.len() as u64) as usize;
        let query = dice.near(&vectors[one], 0.3);
        let expected = exact(vectors, &query, 10, |n| !dead(n));
        let hits = numbers(&index.search_vector(&query, 10, &Scope::All).unwrap());
        assert_eq!(hits.len(), 10);
        assert!(hits.iter().all(|n| !dead(*n as usize)));
        right += hits.iter().filter(|n| expected.contains(n)).count();
        all += expected.len();
    }
    right as f64 / all as f64
}

#[test]
fn the_graph_finds_nearly_all_of_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(11);
    let vectors = clustered(&mut dice, 6000, 64);
    let index = open(dir.path());
    for (batch, part) in vectors.chunks(1500).enumerate() {
        let from = batch * 1500;
        let nodes = part.iter().enumerate().map(|(n, vector)| with_vector((from + n) as u128, "text", vector));
        index.apply(put(nodes), mark(batch as i64 + 1)).unwrap();
    }
    index.settle();
    assert!(index.shared().graph.read().unwrap().as_ref().is_some_and(|graph| graph.covered() == 6000));
    let of_graph = recall(&index, &vectors, &mut dice, |_| false);
    assert!(of_graph >= 0.95, "{of_graph}");

    // A third is removed: still in the graph, but not found.
    let removed = (0..6000).filter(|n| n % 3 == 0).map(|n| Change::Remove(Uuid::from_u128(n)));
    index.apply(removed.collect(), mark(9)).unwrap();
    let with_dead = recall(&index, &vectors, &mut dice, |n| n % 3 == 0);
    assert!(with_dead >= 0.95, "{with_dead}");

    // Reopened, the saved graph is read from disk, and grows again.
    drop(index);
    let index = open(dir.path());
    let reopened = recall(&index, &vectors, &mut dice, |n| n % 3 == 0);
    assert!(reopened >= 0.95, "{reopened}");
    let mut vectors = vectors;
    let more: Vec<Vec<f32>> = (0..700).map(|n| dice.near(&vectors[n * 7], 0.5)).collect();
    let nodes = more.iter().enumerate().map(|(n, vector)| with_vector(6000 + n as u128, "text", vector));
    index.apply(put(nodes), mark(10)).unwrap();
    vectors.extend(more);
    let growing = recall(&index, &vectors, &mut dice, |n| n < 6000 && n % 3 == 0);
    assert!(growing >= 0.95, "{growing}");
    index.settle();
    let grown = recall(&index, &vectors, &mut dice, |n| n < 6000 && n % 3 == 0);
    assert!(grown >= 0.95, "{grown}");
}

#[test]
fn a_scope_gets_its_full_number_whatever_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(5);
    let vectors = clustered(&mut dice, 4000, 32);
    let index = open(dir.path());
    let nodes = vectors.iter().enumerate().map(|(n, vector)| with_vector(n as u128, "text", vector));
    index.apply(put(nodes), mark(1)).unwrap();
    index.settle();
    for documents in [1_usize, 2, 19, 25, 100, 399] {
        let chosen: Vec<u128> = (0..documents).map(|n| (n * 397 % 400) as u128).collect();
        let inside = |n: usize| chosen.contains(&(n as u128 / 10));
        let (mut right, mut all) = (0, 0);
        for _ in 0..20 {
            let query = dice.vector(32);
            let hits = index.search_vector(&query, 15, &scope(chosen.iter().copied())).unwrap();
            assert_eq!(hits.len(), 15.min(documents * 10));
            assert!(hits.iter().all(|hit| inside(hit.id.as_u128() as usize)));
            let expected = exact(&vectors, &query, 15, inside);
            right += numbers(&hits).iter().filter(|n| expected.contains(n)).count();
            all += expected.len();
        }
        let recall = f64::from(right as u32) / f64::from(all as u32);
        assert!(recall >= if documents * 10 <= 200 { 0.999 } else { 0.9 }, "{documents} documents: {recall}");
    }
}

#[test]
fn dead_rows_are_left_out_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(23);
    let vectors = clustered(&mut dice, 3000, 16);
    let index = open(dir.path());
    let nodes = vectors.iter().enumerate().map(|(n, vector)| with_vector(n as u128, "text", vector));
    index.apply(put(nodes), mark(1)).unwrap();
    index.settle();
    let before = index.stats().bytes;
    let dead = |n: usize| !n.is_multiple_of(4);
    let removed = (0..3000).filter(|n| dead(*n)).map(|n| Change::Remove(Uuid::from_u128(n as u128)));
    index.apply(removed.collect(), mark(2)).unwrap();
    index.settle();
    assert!(index.stats().bytes < before / 2, "{before} {:?}", index.stats());
    let check = |index: &LocalIndex, dice: &mut Dice| {
        assert!(recall(index, &vectors, dice, dead) >= 0.95);
        let ids = [0, 4, 5, 2996].map(Uuid::from_u128);
        let read = index.vectors(&ids).unwrap();
        assert_eq!(read, [Some(vectors[0].clone()), Some(vectors[4].clone()), None, Some(vectors[2996].clone())]);
    };
    check(&index, &mut dice);
    index.apply(put([with_vector(5, "back", &vectors[5])]), mark(3)).unwrap();
    index.apply(vec![Change::Remove(Uuid::from_u128(5))], mark(4)).unwrap();
    check(&index, &mut dice);
    drop(index);
    let index = open(dir.path());
    assert_eq!(index.mark(), mark(4));
    check(&index, &mut dice);
}

#[test]
fn hands_together_lose_no_row_of_a_graph() {
    let mut dice = Dice(31);
    let vectors = clustered(&mut dice, 3000, 32);
    let bytes = |(n, vector): (usize, &Vec<f32>)| (n % 7 != 3).then(|| codes::encode(vector).0);
    let rows: Vec<Option<Vec<i8>>> = vectors.iter().enumerate().map(bytes).collect();
    let mut graph = Graph::new(32).unwrap();
    graph.reserve(rows.len()).unwrap();
    for slice in rows.chunks(64) {
        graph.add(slice, 4).unwrap();
    }
    assert_eq!(graph.covered(), 3000);
    let (mut kept, mut near) = (vec![0; 32], 0);
    for (row, codes) in rows.iter().enumerate() {
        assert_eq!(graph.codes(row, &mut kept), codes.is_some(), "{row}");
        let Some(codes) = codes else { continue };
        assert_eq!(&kept, codes, "{row}");
        let nearest = graph.search(codes, 3, |_| true).unwrap();
        near += usize::from(nearest.iter().any(|(_, found)| rows[*found].as_ref() == Some(codes)));
    }
    let live = rows.iter().flatten().count();
    assert!(near * 100 >= live * 98, "{near} of {live}");
    let all = graph.all_codes(32);
    assert_eq!(all.rows(), 3000);
    assert_eq!(all.get(1).map(|(codes, _)| codes.to_vec()), rows[1]);
}

#[test]
fn the_graph_tells_how_far_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    let mut dice = Dice(7);
    let mut add = |from: u128, to: u128, seq| {
        let nodes: Vec<Node> = (from..to).map(|number| with_vector(number, "owl", &dice.vector(8))).collect();
        index.apply(put(nodes), mark(seq)).unwrap();
    };
    add(0, 200, 1);
    assert_eq!(index.growth(), None, "every one is looked at");
    add(200, 600, 2);
    index.settle();
    assert_eq!(index.growth(), Some(Growth { covered: 600, rows: 600 }));
    // Too few to begin again.
    add(600, 610, 3);
    index.settle();
    assert_eq!(index.growth(), Some(Growth { covered: 600, rows: 610 }));
}
