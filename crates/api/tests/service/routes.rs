//! Every route has its entry in the access table, and every entry its route.

use std::collections::BTreeSet;

use ox_api::{access::Rule, gateway, service, webapp};

use crate::rig::Rig;

fn documented(router: utoipa_axum::router::OpenApiRouter) -> BTreeSet<String> {
    let (_, document) = router.split_for_parts();
    let document = serde_json::to_value(document).unwrap();
    document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect()
}

fn ruled(rules: &[Rule]) -> BTreeSet<String> {
    rules.iter().map(|rule| format!("{} {}", rule.method, rule.path)).collect()
}

#[tokio::test]
async fn the_access_tables_are_complete() {
    let rig = Rig::new().await;
    assert_eq!(documented(service::router(&rig.services)), ruled(service::RULES));
    assert_eq!(documented(webapp::router(&rig.services)), ruled(webapp::RULES));
    assert_eq!(documented(gateway::router(&rig.services)), ruled(gateway::RULES));
}
