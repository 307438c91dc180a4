//! Calls of models, their sums, budgets and what is told of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use ox_db::{
    Database, Page,
    model::{BudgetAlert, ModelBudget, ModelCall, ModelPolicies, SpendKey, Spent},
    now,
    repo::{
        model_budgets,
        model_calls::{self, CallFilter},
        model_policies,
        model_spend::{self, Group},
        model_usage::{self, CredentialUse, ModelUse, ProviderUse},
        statistics::Day,
    },
};
use ox_testkit::on_each_database;
use ox_types::{AccountId, AppId, GatewayKeyId, TenantId, new_uuid};
use uuid::Uuid;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn call(tenant: TenantId, time: &str, price: &str) -> ModelCall {
    ModelCall {
        id: new_uuid(),
        tenant_id: tenant,
        app_id: None,
        user_id: None,
        key_id: None,
        run_id: None,
        node_id: Some("llm".into()),
        provider: "openai".into(),
        model: "small".into(),
        kind: "llm".into(),
        wanted_provider: None,
        wanted_model: None,
        prompt_tokens: 10,
        cached_tokens: 4,
        completion_tokens: 5,
        price: price.into(),
        currency: "USD".into(),
        estimated: false,
        latency_ms: 120,
        first_token_ms: Some(30),
        outcome: "ok".into(),
        created_at: at(time),
        cache: None,
        saved_price: None,
        route: None,
        rule: None,
        units: None,
        unit: None,
        credential_id: None,
    }
}

async fn keep(db: &Database, calls: Vec<ModelCall>, sums: &BTreeMap<SpendKey, Spent>) {
    let tx = db.begin().await.unwrap();
    model_calls::insert(&tx, calls, sums).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn calls_are_listed_filtered_and_added_up_to_the_last_decimal() {
    on_each_database(|db| async move {
        let (tenant, app, key) = (TenantId::new(), AppId::new(), GatewayKeyId::new());
        let mut calls = Vec::new();
        // Amounts that no binary fraction holds: 1,000 of them must not drift.
        for number in 0..1_000 {
            let price = format!("0.{:07}", number % 7 + 1);
            calls.push(ModelCall { app_id: Some(app), ..call(tenant, "2026-03-01T10:00:00Z", &price) });
        }
        let exact: i64 = (0..1_000).map(|number| number % 7 + 1).sum();
        let rmb = ModelCall { currency: "RMB".into(), ..call(tenant, "2026-03-02T10:00:00Z", "1.5") };
        let failed = ModelCall {
            outcome: "rate_limit".into(),
            price: "0".into(),
            user_id: Some("ann".into()),
            key_id: Some(key),
            model: "large".into(),
            ..call(tenant, "2026-03-02T11:00:00Z", "0")
        };
        calls.extend([rmb, failed.clone(), call(TenantId::new(), "2026-03-02T11:00:00Z", "9")]);
        keep(&db, calls.clone(), &BTreeMap::new()).await;
        assert_eq!(model_calls::find(&db, tenant, failed.id).await.unwrap(), Some(failed.clone()));
        assert_eq!(model_calls::find(&db, TenantId::new(), failed.id).await.unwrap(), None);
        let known = model_calls::known(&db, &[failed.id, new_uuid()]).await.unwrap();
        assert_eq!(known.into_iter().collect::<Vec<_>>(), [failed.id]);

        let all = CallFilter::default();
        let total = model_spend::groups(&db, tenant, &all, Group::All, 10).await.unwrap();
        let told: Vec<_> = total
            .iter()
            .map(|group| (&*group.sum.currency, group.sum.calls, group.sum.failed, group.sum.price))
            .collect();
        assert_eq!(told, [("RMB", 1, 0, 15_000_000), ("USD", 1_001, 1, exact)]);
        assert_eq!((total[1].sum.prompt_tokens, total[1].sum.cached_tokens), (10_010, 4_004));
        let of = async |by| {
            let found = model_spend::groups(&db, tenant, &CallFilter::default(), by, 10).await.unwrap();
            found.into_iter().map(|group| (group.name, group.sum.currency, group.sum.calls)).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            of(Group::Model).await,
            [
                (some("small"), "RMB".to_owned(), 1),
                (some("small"), "USD".to_owned(), 1_000),
                (some("large"), "USD".to_owned(), 1),
            ]
        );
        assert_eq!(of(Group::App).await[1], (Some(app.to_string()), "USD".to_owned(), 1_000));
        assert!(of(Group::User).await.contains(&(some("ann"), "USD".to_owned(), 1)));
        assert!(of(Group::Key).await.contains(&(Some(key.to_string()), "USD".to_owned(), 1)));

        let days = [
            Day { since: at("2026-03-01T00:00:00Z"), until: at("2026-03-02T00:00:00Z") },
            Day { since: at("2026-03-02T00:00:00Z"), until: at("2026-03-03T00:00:00Z") },
            Day { since: at("2026-03-03T00:00:00Z"), until: at("2026-03-04T00:00:00Z") },
        ];
        let found = model_spend::days(&db, tenant, &all, &days).await.unwrap();
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [0, 1]);
        assert_eq!((found[&0][0].price, found[&1].len()), (exact, 2));

        for (filter, count) in [
            (CallFilter { ok: Some(false), ..all.clone() }, 1),
            (CallFilter { ok: Some(true), app: Some(app), ..all.clone() }, 1_000),
            (CallFilter { user: Some("ann".into()), key: Some(key), ..all.clone() }, 1),
            (CallFilter { model: Some("large".into()), provider: Some("other".into()), ..all.clone() }, 0),
            (CallFilter { since: Some(at("2026-03-02T10:00:00Z")), ..all.clone() }, 2),
            (CallFilter { until: Some(at("2026-03-02T10:00:00Z")), ..all.clone() }, 1_000),
        ] {
            let groups = model_spend::groups(&db, tenant, &filter, Group::All, 10).await.unwrap();
            assert_eq!(groups.iter().map(|group| group.sum.calls).sum::<i64>(), count, "{filter:?}");
            let page = model_calls::page(&db, tenant, &filter, Page::first(5)).await.unwrap();
            assert_eq!((page.items.len() as i64, page.has_more), (count.min(5), count > 5), "{filter:?}");
        }
        let (mut seen, mut after) = (0, None);
        loop {
            let page = model_calls::page(&db, tenant, &all, Page { after, limit: 300 }).await.unwrap();
            seen += page.items.len();
            after = page.items.last().map(|call| (call.created_at, call.id));
            if !page.has_more {
                break;
            }
        }
        assert_eq!(seen, 1_002);

        let tx = db.begin().await.unwrap();
        assert_eq!(model_calls::remove_before(&tx, at("2026-03-02T00:00:00Z"), 600).await.unwrap(), 600);
        assert_eq!(model_calls::remove_before(&tx, at("2026-03-02T00:00:00Z"), 600).await.unwrap(), 400);
        assert_eq!(model_calls::remove_before(&tx, at("2026-03-02T00:00:00Z"), 600).await.unwrap(), 0);
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn kept_answers_are_summed_apart() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let hit = ModelCall {
            cache: Some("semantic".into()),
            saved_price: Some("0.0000123".into()),
            route: Some("tier".into()),
            rule: Some("short questions".into()),
            ..call(tenant, "2026-03-01T11:00:00Z", "0")
        };
        keep(&db, vec![call(tenant, "2026-03-01T10:00:00Z", "0.5"), hit.clone()], &BTreeMap::new()).await;
        assert_eq!(model_calls::find(&db, tenant, hit.id).await.unwrap(), Some(hit));
        let total = model_spend::groups(&db, tenant, &CallFilter::default(), Group::All, 10).await.unwrap();
        let sum = &total[0].sum;
        assert_eq!((sum.calls, sum.hits, sum.price), (2, 1, 5_000_000));
        assert_eq!((sum.prompt_tokens, sum.cached_tokens, sum.completion_tokens), (10, 4, 5), "of the vendor's alone");
        assert_eq!((sum.saved_tokens, sum.saved_price), (15, 123));
    })
    .await;
}

#[tokio::test]
async fn policies_are_kept_by_workspace() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        assert_eq!(model_policies::find(&db, tenant).await.unwrap(), None);
        let policies = |body: &str| ModelPolicies {
            tenant_id: tenant,
            body: body.into(),
            updated_by: Some(AccountId::new()),
            updated_at: at("2026-03-01T10:00:00Z"),
        };
        for body in ["{}", r#"{"cache":{"enabled":true}}"#] {
            let written = policies(body);
            let tx = db.begin().await.unwrap();
            model_policies::set(&tx, written.clone()).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(model_policies::find(&db, tenant).await.unwrap(), Some(written));
        }
        assert_eq!(model_policies::find(&db, TenantId::new()).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn sums_of_days_grow_and_are_read_by_window() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let key = |scope, subject: &str, day: &str, currency: &str| SpendKey {
            tenant_id: tenant,
            scope,
            subject: subject.into(),
            day: day.into(),
            currency: currency.into(),
        };
        let spent = |calls, tokens, price| Spent { calls, tokens, price };
        let sums = BTreeMap::from([
            (key("workspace", "", "2026-02-28", "USD"), spent(1, 10, 100)),
            (key("workspace", "", "2026-03-01", "USD"), spent(1, 20, 200)),
            (key("workspace", "", "2026-03-31", "RMB"), spent(1, 40, 400)),
            (key("user", "ann", "2026-03-01", "USD"), spent(1, 5, 50)),
            (key("user", "bob", "2026-03-01", "USD"), spent(1, 7, 30)),
        ]);
        keep(&db, Vec::new(), &sums).await;
        keep(&db, Vec::new(), &sums).await;
        let read = async |scope, subject, days| model_spend::spent(&db, tenant, scope, subject, days).await.unwrap();
        let (usd, rmb) = ("USD".to_owned(), "RMB".to_owned());
        assert_eq!(
            read("workspace", "", None).await,
            [(rmb.clone(), spent(2, 80, 800)), (usd.clone(), spent(4, 60, 600))]
        );
        let march = Some(("2026-03-01", "2026-03-31"));
        assert_eq!(read("workspace", "", march).await, [(rmb, spent(2, 80, 800)), (usd, spent(2, 40, 400))]);
        assert_eq!(read("user", "eve", None).await, []);
        let most = model_spend::most(&db, tenant, "user", "USD", march).await.unwrap();
        assert_eq!((most.tokens, most.price), (14, 100), "of tokens bob, of money ann");
        assert_eq!(model_spend::most(&db, tenant, "app", "USD", None).await.unwrap(), Spent::default());
    })
    .await;
}

fn budget(tenant: TenantId) -> ModelBudget {
    ModelBudget {
        id: new_uuid(),
        tenant_id: tenant,
        name: "Team 预算".into(),
        scope: "user".into(),
        subject: None,
        period: "month".into(),
        action: "stop".into(),
        token_limit: Some(1_000),
        money_limit: Some("25.00".into()),
        currency: "USD".into(),
        calls_per_minute: 6,
        enabled: true,
        mail: true,
        webhook_url: Some("https://hooks.test/x".into()),
        webhook_secret: Some("sealed".into()),
        created_by: AccountId::new(),
        created_at: now(),
        updated_at: now(),
    }
}

#[tokio::test]
async fn budgets_are_kept_and_alerts_raised_once() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let row = budget(tenant);
        let tx = db.begin().await.unwrap();
        model_budgets::insert(&tx, row.clone()).await.unwrap();
        model_budgets::insert(&tx, budget(TenantId::new())).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(model_budgets::list(&db, tenant).await.unwrap(), std::slice::from_ref(&row));
        assert_eq!(model_budgets::find(&db, TenantId::new(), row.id).await.unwrap(), None);
        let alert = |threshold, subject: &str| BudgetAlert {
            id: new_uuid(),
            tenant_id: tenant,
            budget_id: row.id,
            subject: subject.into(),
            period_start: "2026-03-01".into(),
            threshold,
            used_tokens: 900,
            used_price: 1,
            status: "pending".into(),
            attempts: 0,
            next_attempt_at: now(),
            last_error: None,
            created_at: now(),
        };
        let tx = db.begin().await.unwrap();
        for (threshold, subject, is_news) in
            [(80, "ann", true), (80, "ann", false), (100, "ann", true), (80, "bob", true)]
        {
            assert_eq!(model_budgets::raise(&tx, alert(threshold, subject)).await.unwrap(), is_news);
        }
        tx.commit().await.unwrap();
        let later = now() + Duration::seconds(1);
        let due = model_budgets::due(&db, later, 10).await.unwrap();
        assert_eq!(due.len(), 3);
        let tx = db.begin().await.unwrap();
        assert!(model_budgets::take(&tx, &due[0], later + Duration::hours(1)).await.unwrap());
        assert!(!model_budgets::take(&tx, &due[0], later + Duration::hours(1)).await.unwrap(), "it is taken");
        model_budgets::note(&tx, due[1].id, "delivered", None).await.unwrap();
        tx.commit().await.unwrap();
        let left = model_budgets::due(&db, later, 10).await.unwrap();
        assert_eq!(left.iter().map(|alert| alert.id).collect::<Vec<_>>(), [due[2].id]);
        assert_eq!(model_budgets::alerts(&db, tenant, 2).await.unwrap().len(), 2);

        let changed = ModelBudget { token_limit: None, webhook_url: None, webhook_secret: None, ..row.clone() };
        let tx = db.begin().await.unwrap();
        model_budgets::update(&tx, changed.clone()).await.unwrap();
        assert!(model_budgets::raise(&tx, alert(80, "ann")).await.unwrap(), "a changed budget is told of again");
        tx.commit().await.unwrap();
        assert_eq!(model_budgets::find(&db, tenant, row.id).await.unwrap(), Some(changed));
        let tx = db.begin().await.unwrap();
        assert!(!model_budgets::delete(&tx, TenantId::new(), row.id).await.unwrap());
        assert!(model_budgets::delete(&tx, tenant, row.id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(model_budgets::alerts(&db, tenant, 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn calls_are_counted_by_the_key_that_made_them() {
    on_each_database(|db| async move {
        let (tenant, main, spare) = (TenantId::new(), new_uuid(), new_uuid());
        let by = |credential_id: Option<Uuid>, minute: u32| ModelCall {
            credential_id,
            ..call(tenant, &format!("2026-03-01T10:{minute:02}:00Z"), "0")
        };
        let calls = vec![
            by(Some(main), 1),
            by(Some(main), 2),
            ModelCall { outcome: "auth".into(), ..by(Some(main), 3) },
            by(Some(spare), 4),
            ModelCall { model: "large".into(), ..by(Some(main), 5) },
            // Nobody knows the key, nobody was asked, it is another workspace, or another time.
            by(None, 6),
            ModelCall { cache: Some("hit".into()), ..by(Some(spare), 7) },
            ModelCall { tenant_id: TenantId::new(), ..by(Some(spare), 8) },
            by(Some(spare), 30),
        ];
        let kept = calls[0].clone();
        keep(&db, calls, &BTreeMap::new()).await;
        assert_eq!(model_calls::find(&db, tenant, kept.id).await.unwrap(), Some(kept), "the key is kept");
        let span = Day { since: at("2026-03-01T10:00:00Z"), until: at("2026-03-01T10:30:00Z") };
        let of = |credential, model: &str, calls, failed, last: &str| CredentialUse {
            provider: "openai".into(),
            credential,
            model: model.into(),
            calls,
            failed,
            last: at(last),
        };
        let found = model_usage::credentials(&db, tenant, span, 10).await.unwrap();
        assert_eq!(found[0], of(main, "small", 3, 1, "2026-03-01T10:03:00Z"));
        let large = of(main, "large", 1, 0, "2026-03-01T10:05:00Z");
        let small = of(spare, "small", 1, 0, "2026-03-01T10:04:00Z");
        assert_eq!(found.len(), 3);
        assert!(found.contains(&large) && found.contains(&small), "{found:?}");
        assert_eq!(model_usage::credentials(&db, tenant, span, 1).await.unwrap(), [found[0].clone()]);
        assert!(model_usage::credentials(&db, TenantId::new(), span, 10).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_providers_were_asked_lately_is_counted_by_provider_model_and_step() {
    on_each_database(|db| async move {
        let (tenant, one, two) = (TenantId::new(), AppId::new(), AppId::new());
        let took = |time: &str, app: Option<AppId>, latency_ms: i64, first_token_ms: Option<i64>| ModelCall {
            app_id: app,
            latency_ms,
            first_token_ms,
            ..call(tenant, time, "0")
        };
        let calls = vec![
            took("2026-03-01T10:00:00Z", Some(one), 100, Some(10)),
            took("2026-03-01T10:10:00Z", Some(one), 300, None),
            took("2026-03-01T11:00:00Z", Some(two), 200, Some(40)),
            ModelCall { model: "large".into(), ..took("2026-03-01T11:30:00Z", None, 900, Some(90)) },
            // What failed has no time; what was kept was not asked for; the rest is of others.
            ModelCall { outcome: "timeout".into(), ..took("2026-03-01T11:40:00Z", Some(one), 60_000, None) },
            ModelCall { cache: Some("hit".into()), ..took("2026-03-01T11:50:00Z", Some(one), 1, Some(1)) },
            ModelCall {
                provider: "other".into(),
                outcome: "auth".into(),
                ..took("2026-03-01T10:00:00Z", None, 5, None)
            },
            took("2026-03-01T09:59:59Z", Some(one), 1, Some(1)),
            took("2026-03-01T12:00:00Z", Some(one), 1, Some(1)),
            call(TenantId::new(), "2026-03-01T10:30:00Z", "0"),
        ];
        keep(&db, calls, &BTreeMap::new()).await;
        let hour = |from: &str, to: &str| Day { since: at(from), until: at(to) };
        let steps = [
            hour("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"),
            hour("2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z"),
        ];
        let span = hour("2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z");
        let found = model_usage::providers(&db, tenant, span, 10).await.unwrap();
        let openai = ProviderUse {
            provider: "openai".into(),
            calls: 5,
            failed: 1,
            apps: 2,
            last: at("2026-03-01T11:40:00Z"),
            latency_p50_ms: Some(200),
            first_token_p50_ms: Some(40),
        };
        let other = ProviderUse {
            provider: "other".into(),
            calls: 1,
            failed: 1,
            apps: 0,
            last: at("2026-03-01T10:00:00Z"),
            latency_p50_ms: None,
            first_token_p50_ms: None,
        };
        assert_eq!(found, [openai, other]);
        assert_eq!(model_usage::providers(&db, tenant, span, 1).await.unwrap().len(), 1);
        let of = |provider: &str, model: &str, calls, failed, apps| ModelUse {
            provider: provider.into(),
            model: model.into(),
            calls,
            failed,
            apps,
        };
        let models = model_usage::models(&db, tenant, span, 10).await.unwrap();
        let expected = [of("openai", "small", 4, 1, 2), of("openai", "large", 1, 0, 0), of("other", "small", 1, 1, 0)];
        assert_eq!(models, expected);
        let lines = model_usage::steps(&db, tenant, &steps).await.unwrap();
        assert_eq!(lines, BTreeMap::from([("openai".to_owned(), vec![2, 3]), ("other".to_owned(), vec![1, 0])]));
        assert_eq!(model_usage::since(&db, tenant, span, 100).await.unwrap(), span.since);
        // 11:50, 11:40 and 11:30 are looked at, what is before them is not.
        assert_eq!(model_usage::since(&db, tenant, span, 3).await.unwrap(), at("2026-03-01T11:00:00.000001Z"));

        let stranger = TenantId::new();
        assert!(model_usage::providers(&db, stranger, span, 10).await.unwrap().is_empty());
        assert!(model_usage::models(&db, stranger, span, 10).await.unwrap().is_empty());
        assert!(model_usage::steps(&db, stranger, &steps).await.unwrap().is_empty());
        assert_eq!(model_usage::since(&db, stranger, span, 0).await.unwrap(), span.since);
    })
    .await;
}
