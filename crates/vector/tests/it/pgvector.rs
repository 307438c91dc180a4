//! pgvector, on the real server of the Python package `pgserver`.

use std::sync::Arc;

use ox_net::{Egress, Policy};
use ox_vector::{Scope, StoreError, VectorStore, connect};

use crate::{python, suite};

const SERVER: &str = "
import pgserver, tempfile, sys, os
home = tempfile.mkdtemp()
os.chmod(home, 0o755)
server = pgserver.get_server(home, cleanup_mode='delete')
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
";

fn store(host: &str) -> Arc<dyn VectorStore> {
    let settings = [
        ("VECTOR_STORE", "pgvector"),
        ("PGVECTOR_HOST", host),
        ("PGVECTOR_PORT", "5432"),
        ("PGVECTOR_USER", "postgres"),
        ("PGVECTOR_DATABASE", "postgres"),
    ];
    let read = |name: &str| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    connect(&read, Egress::new(Policy::default())).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_what_every_store_does() {
    let Some(server) = python::start("pgserver", SERVER) else { return };
    let (_, host) = server.said.split_once("host=").expect("a socket");
    let store = store(host);
    suite::run(&*store).await;

    // Many make the same table at once.
    let name = ox_vector::collection("Vector_index", uuid::Uuid::from_u128(9), 1);
    let all = (0..8_u128).map(|number| {
        let (store, name) = (Arc::clone(&store), name.clone());
        tokio::spawn(async move { store.put(&name, &[suite::point(number, 1, &[1.0, number as f32])]).await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    assert_eq!(store.search(&name, &[1.0, 0.0], 20, &Scope::All).await.unwrap().len(), 8);

    // Vectors that are too long for the graph are found too.
    let long = ox_vector::collection("Vector_index", uuid::Uuid::from_u128(10), 1);
    let vector: Vec<f32> = (0..3072).map(|n| (n % 7) as f32).collect();
    store.put(&long, &[suite::point(1, 1, &vector)]).await.unwrap();
    assert_eq!(store.search(&long, &vector, 2, &Scope::All).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_unreachable() {
    let nowhere = store("/nonexistent");
    let wrong = nowhere.search("c", &[1.0], 1, &Scope::All).await;
    assert!(matches!(wrong, Err(StoreError::Unreachable { .. })), "{wrong:?}");
}
