//! What every store must do.

use std::{collections::BTreeSet, sync::Arc};

use ox_vector::{Hit, NodeKind, Point, Scope, StoreError, VectorStore, collection};
use uuid::Uuid;

const PREFIX: &str = "Vector_index";

fn document(number: u128) -> Uuid {
    Uuid::from_u128((1 << 64) + number)
}

pub fn point(number: u128, of: u128, vector: &[f32]) -> Point {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    Point {
        id: Uuid::from_u128(number),
        dataset_id: Uuid::from_u128(77),
        document_id: document(of),
        segment_id: Uuid::from_u128((2 << 64) + number),
        kind: NodeKind::Segment,
        text: format!("text {number}"),
        vector: vector.iter().map(|value| value / length).collect(),
    }
}

fn scope(documents: impl IntoIterator<Item = u128>) -> Scope {
    Scope::Documents(Arc::new(documents.into_iter().map(document).collect()))
}

fn numbers(hits: &[Hit]) -> Vec<u128> {
    hits.iter().map(|hit| hit.id.as_u128()).collect()
}

async fn ids(store: &dyn VectorStore, name: &str) -> BTreeSet<u128> {
    let ids = store.ids(name).await.unwrap();
    let count = ids.len();
    let ids: BTreeSet<u128> = ids.iter().map(Uuid::as_u128).collect();
    assert_eq!(ids.len(), count, "no id twice");
    ids
}

/// Runs everything on a store that has no collections.
pub async fn run(store: &dyn VectorStore) {
    store.check().await.unwrap();
    let first = collection(PREFIX, Uuid::from_u128(5), 1);
    let second = collection(PREFIX, Uuid::from_u128(5), 2);
    absent(store, &first).await;
    nearest(store, &first).await;
    scopes(store, &first).await;
    replaced_and_removed(store, &first).await;
    dimensions(store, &first).await;
    generations(store, &first, &second).await;
    odd(store, &first).await;
    many(store, &second).await;
    for name in [&first, &second] {
        store.drop_collection(name).await.unwrap();
        absent(store, name).await;
    }
}

async fn absent(store: &dyn VectorStore, name: &str) {
    assert!(store.search(name, &[1.0, 0.0], 3, &Scope::All).await.unwrap().is_empty());
    assert!(store.search(name, &[1.0, 0.0], 3, &scope([1])).await.unwrap().is_empty());
    assert!(ids(store, name).await.is_empty());
    store.remove(name, &[Uuid::from_u128(1)]).await.unwrap();
    store.remove(name, &[]).await.unwrap();
    store.put(name, &[]).await.unwrap();
    store.drop_collection(name).await.unwrap();
}

async fn nearest(store: &dyn VectorStore, name: &str) {
    let mut child = point(3, 2, &[0.0, 1.0]);
    child.kind = NodeKind::Child;
    let mut picture = point(4, 3, &[-1.0, -0.1]);
    picture.kind = NodeKind::Picture;
    let points = [point(1, 1, &[1.0, 0.0]), point(2, 1, &[0.6, 0.8]), child, picture];
    store.put(name, &points).await.unwrap();
    let hits = store.search(name, &[0.0, 1.0], 3, &Scope::All).await.unwrap();
    assert_eq!(numbers(&hits), [3, 2, 1]);
    for (hit, cosine) in hits.iter().zip([1.0, 0.8, 0.0]) {
        assert!((hit.score - cosine).abs() < 1e-4, "{hit:?} is not {cosine}");
    }
    let expected = Hit { score: hits[0].score, ..hit_of(&points[2]) };
    assert_eq!(hits[0], expected);
    assert_eq!(numbers(&store.search(name, &[0.0, 1.0], 1, &Scope::All).await.unwrap()), [3]);
    let all = store.search(name, &[0.0, 1.0], 50, &Scope::All).await.unwrap();
    assert_eq!(all.iter().map(|hit| hit.kind == NodeKind::Picture).collect::<Vec<_>>(), [false, false, false, true]);
    assert!(store.search(name, &[0.0, 1.0], 0, &Scope::All).await.unwrap().is_empty());
}

fn hit_of(point: &Point) -> Hit {
    let Point { id, segment_id, document_id, kind, .. } = point.clone();
    Hit { id, segment_id, document_id, kind, score: 0.0 }
}

async fn scopes(store: &dyn VectorStore, name: &str) {
    let table: &[(&[u128], usize, &[u128])] = &[
        (&[3], 1, &[4]),
        (&[1], 5, &[2, 1]),
        (&[1, 3], 2, &[2, 1]),
        (&[1, 2, 3], 9, &[3, 2, 1, 4]),
        (&[9], 5, &[]),
        (&[], 5, &[]),
    ];
    for (documents, top, expected) in table {
        let hits = store.search(name, &[0.0, 1.0], *top, &scope(documents.iter().copied())).await.unwrap();
        assert_eq!(numbers(&hits), *expected, "{documents:?}");
    }
}

async fn replaced_and_removed(store: &dyn VectorStore, name: &str) {
    store.put(name, &[point(3, 1, &[1.0, 0.1])]).await.unwrap();
    assert_eq!(numbers(&store.search(name, &[0.0, 1.0], 1, &Scope::All).await.unwrap()), [2]);
    let hits = store.search(name, &[1.0, 0.1], 1, &Scope::All).await.unwrap();
    assert_eq!((hits[0].id.as_u128(), hits[0].document_id, hits[0].kind), (3, document(1), NodeKind::Segment));
    assert_eq!(ids(store, name).await, BTreeSet::from([1, 2, 3, 4]));
    store.remove(name, &[3, 99, 4].map(Uuid::from_u128)).await.unwrap();
    assert_eq!(numbers(&store.search(name, &[1.0, 0.0], 9, &Scope::All).await.unwrap()), [1, 2]);
    assert_eq!(ids(store, name).await, BTreeSet::from([1, 2]));
}

async fn dimensions(store: &dyn VectorStore, name: &str) {
    let wrong = store.put(name, &[point(8, 1, &[1.0, 0.0, 0.0])]).await;
    assert!(matches!(wrong, Err(StoreError::Dimension { expected: 2, got: 3 })), "{wrong:?}");
    let wrong = store.search(name, &[1.0, 0.0, 0.0], 3, &Scope::All).await;
    assert!(matches!(wrong, Err(StoreError::Dimension { .. } | StoreError::Refused { .. })), "{wrong:?}");
    assert_eq!(ids(store, name).await, BTreeSet::from([1, 2]));
}

async fn generations(store: &dyn VectorStore, first: &str, second: &str) {
    store.put(second, &[point(1, 1, &[1.0, 0.0, 0.0])]).await.unwrap();
    assert_eq!(ids(store, first).await, BTreeSet::from([1, 2]));
    assert_eq!(ids(store, second).await, BTreeSet::from([1]));
    store.drop_collection(second).await.unwrap();
    assert_eq!(ids(store, first).await, BTreeSet::from([1, 2]));
    assert!(ids(store, second).await.is_empty());
}

async fn odd(store: &dyn VectorStore, name: &str) {
    let mut points = [point(20, 7, &[0.3, 0.7]), point(21, 7, &[0.3, 0.7]), point(22, 8, &[0.3, 0.7])];
    points[0].text = "zero \0, quotes \" ' \\, 中文, 🙂".to_owned();
    points[1].text = points[0].text.clone();
    points[2].text = "long ".repeat(20_000);
    store.put(name, &points).await.unwrap();
    let hits = store.search(name, &[0.3, 0.7], 9, &scope([7, 8])).await.unwrap();
    assert_eq!(numbers(&hits), [20, 21, 22], "equal ones stay apart");
}

async fn many(store: &dyn VectorStore, name: &str) {
    let vector = |number: u128| {
        let angle = number as f32 / 2500.0 * std::f32::consts::PI;
        [angle.cos(), angle.sin(), 0.1, 0.0]
    };
    let points: Vec<Point> = (0..2500).map(|number| point(number, number / 10, &vector(number))).collect();
    store.put(name, &points).await.unwrap();
    assert_eq!(ids(store, name).await, (0..2500).collect::<BTreeSet<_>>());
    let hits = store.search(name, &vector(0), 20, &scope(200..205)).await.unwrap();
    assert_eq!(numbers(&hits), (2000..2020).collect::<Vec<_>>(), "the scope comes before the cut");
    let hits = store.search(name, &vector(100), 5, &scope((0..250).filter(|of| *of != 10))).await.unwrap();
    assert_eq!(numbers(&hits).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([99, 98, 97, 96, 95]));
    let removed: Vec<Uuid> = (0..2500).filter(|number| number % 5 != 0).map(Uuid::from_u128).collect();
    store.remove(name, &removed).await.unwrap();
    assert_eq!(ids(store, name).await, (0..2500).step_by(5).collect::<BTreeSet<_>>());
    let hits = store.search(name, &vector(1001), 10, &Scope::All).await.unwrap();
    assert_eq!(hits.len(), 10);
    assert_eq!(hits[0].id.as_u128(), 1000);
}
