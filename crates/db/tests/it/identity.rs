//! Accounts, workspaces, settings, values with a life time, audit: one body, every database.

use std::time::Duration;

use ox_db::{
    Database, Error, Page,
    model::{Account, AuditEvent, NetworkRules, Tenant, TenantMember},
    now,
    repo::{accounts, audit, kv, network_rules, settings, tenants},
};
use ox_testkit::on_each_database;
use ox_types::{AccountId, TenantId, new_uuid};

fn account(email: &str) -> Account {
    Account {
        id: AccountId::new(),
        name: "Ada".into(),
        email: email.into(),
        password: Some("$argon2id$…".into()),
        password_salt: None,
        avatar: None,
        interface_language: Some("en-US".into()),
        interface_theme: None,
        timezone: Some("Europe/Berlin".into()),
        last_login_at: None,
        last_login_ip: None,
        last_active_at: now(),
        status: "active".into(),
        initialized_at: Some(now()),
        created_at: now(),
        updated_at: now(),
    }
}

fn tenant(name: &str) -> Tenant {
    Tenant {
        id: TenantId::new(),
        name: name.into(),
        encrypted_data_key: None,
        plan: "basic".into(),
        status: "normal".into(),
        custom_config: None,
        created_at: now(),
        updated_at: now(),
    }
}

fn member(tenant: &Tenant, account: &Account, role: &str, current: bool) -> TenantMember {
    TenantMember {
        id: new_uuid(),
        tenant_id: tenant.id,
        account_id: account.id,
        current,
        role: role.into(),
        invited_by: None,
        created_at: now(),
        updated_at: now(),
    }
}

#[tokio::test]
async fn accounts_are_found_by_address_in_any_case() {
    on_each_database(|db| async move {
        let ada = account("Ada@Example.com ");
        let tx = db.begin().await.unwrap();
        accounts::insert(&tx, ada.clone()).await.unwrap();
        tx.commit().await.unwrap();

        let found = accounts::find_by_email(&db, "ADA@example.com").await.unwrap().unwrap();
        assert_eq!(found, Account { email: "ada@example.com".into(), ..ada.clone() });
        assert_eq!(accounts::find(&db, ada.id).await.unwrap().unwrap(), found);
        assert_eq!(accounts::count(&db).await.unwrap(), 1);

        let tx = db.begin().await.unwrap();
        let error = accounts::insert(&tx, account("ada@example.COM")).await.unwrap_err();
        assert!(matches!(error, Error::Conflict(_)), "{error:?}");
        tx.rollback().await.unwrap();

        let tx = db.begin().await.unwrap();
        accounts::update(&tx, Account { name: "Ada L.".into(), ..found }).await.unwrap();
        accounts::note_login(&tx, ada.id, now(), Some("10.0.0.1")).await.unwrap();
        assert_eq!(accounts::find(&tx, ada.id).await.unwrap().unwrap().name, "Ada L.");
        tx.commit().await.unwrap();
        assert_eq!(accounts::find(&db, ada.id).await.unwrap().unwrap().last_login_ip.as_deref(), Some("10.0.0.1"));

        let tx = db.begin().await.unwrap();
        let error = accounts::update(&tx, account("nobody@example.com")).await.unwrap_err();
        assert!(matches!(error, Error::NotFound("account")), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing() {
    on_each_database(|db| async move {
        let tx = db.begin().await.unwrap();
        accounts::insert(&tx, account("a@b.c")).await.unwrap();
        drop(tx);
        assert_eq!(accounts::count(&db).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn members_roles_and_the_current_workspace() {
    on_each_database(|db| async move {
        let (ada, bob) = (account("ada@x.y"), account("bob@x.y"));
        let (one, two) = (tenant("one"), tenant("two"));
        let tx = db.begin().await.unwrap();
        for account in [&ada, &bob] {
            accounts::insert(&tx, account.clone()).await.unwrap();
        }
        for tenant in [&one, &two] {
            tenants::insert(&tx, tenant.clone()).await.unwrap();
        }
        tenants::add_member(&tx, member(&one, &ada, "owner", true)).await.unwrap();
        tenants::add_member(&tx, member(&two, &ada, "editor", false)).await.unwrap();
        tenants::add_member(&tx, member(&one, &bob, "normal", true)).await.unwrap();
        tenants::switch(&tx, ada.id, two.id).await.unwrap();
        tenants::set_role(&tx, one.id, bob.id, "admin").await.unwrap();
        tenants::set_data_key(&tx, one.id, "wrapped").await.unwrap();
        tx.commit().await.unwrap();

        let mine: Vec<_> =
            tenants::of_account(&db, ada.id).await.unwrap().into_iter().map(|(m, t)| (t.name, m.current)).collect();
        assert_eq!(mine, [("one".to_owned(), false), ("two".to_owned(), true)]);
        let members: Vec<_> =
            tenants::members(&db, one.id).await.unwrap().into_iter().map(|(m, a)| (a.email, m.role)).collect();
        assert_eq!(members, [("ada@x.y".to_owned(), "owner".to_owned()), ("bob@x.y".into(), "admin".into())]);
        assert_eq!(tenants::first(&db).await.unwrap().unwrap().encrypted_data_key.as_deref(), Some("wrapped"));

        let tx = db.begin().await.unwrap();
        assert!(matches!(tenants::switch(&tx, bob.id, two.id).await, Err(Error::NotFound("member"))));
        assert!(matches!(tenants::set_data_key(&tx, one.id, "other").await, Err(Error::Conflict(_))));
        tenants::remove_member(&tx, one.id, bob.id).await.unwrap();
        assert!(matches!(tenants::remove_member(&tx, one.id, bob.id).await, Err(Error::NotFound("member"))));
        tx.commit().await.unwrap();
        assert_eq!(tenants::member(&db, one.id, bob.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn setup_happens_once_and_settings_keep_key_order() {
    on_each_database(|db| async move {
        assert_eq!(settings::setup_at(&db).await.unwrap(), None);
        let tx = db.begin().await.unwrap();
        settings::finish_setup(&tx, "0.1.0").await.unwrap();
        settings::set(&tx, "x", serde_json::json!({"b": 1, "a": 2})).await.unwrap();
        settings::set(&tx, "x", serde_json::json!({"z": 1, "a": [true, null]})).await.unwrap();
        tx.commit().await.unwrap();
        assert!(settings::setup_at(&db).await.unwrap().is_some());
        assert_eq!(settings::get(&db, "x").await.unwrap().unwrap().to_string(), r#"{"z":1,"a":[true,null]}"#);
        assert_eq!(settings::get(&db, "y").await.unwrap(), None);

        let tx = db.begin().await.unwrap();
        assert!(matches!(settings::finish_setup(&tx, "0.1.0").await, Err(Error::Conflict(_))));
    })
    .await;
}

#[tokio::test]
async fn values_live_for_their_time() {
    on_each_database(|db| async move {
        let tx = db.begin().await.unwrap();
        kv::set(&tx, "token", "v1", Some(Duration::from_secs(60))).await.unwrap();
        kv::set(&tx, "token", "v2", Some(Duration::from_secs(60))).await.unwrap();
        kv::set(&tx, "old", "v", Some(Duration::ZERO)).await.unwrap();
        kv::set(&tx, "kept", "v", None).await.unwrap();
        for count in 1..=3 {
            assert_eq!(kv::increment(&tx, "errors", 1, Duration::from_secs(60)).await.unwrap(), count);
        }
        assert_eq!(kv::increment(&tx, "old", 5, Duration::from_secs(60)).await.unwrap(), 5);
        kv::set(&tx, "old", "v", Some(Duration::ZERO)).await.unwrap();
        tx.commit().await.unwrap();

        assert_eq!(kv::get(&db, "token").await.unwrap().as_deref(), Some("v2"));
        assert_eq!(kv::get(&db, "old").await.unwrap(), None);
        let tx = db.begin().await.unwrap();
        assert_eq!(kv::take(&tx, "token").await.unwrap().as_deref(), Some("v2"));
        assert_eq!(kv::take(&tx, "token").await.unwrap(), None);
        assert_eq!(kv::purge(&tx).await.unwrap(), 1);
        kv::delete(&tx, "kept").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(kv::get(&db, "kept").await.unwrap(), None);

        let tx = db.begin().await.unwrap();
        for (key, value) in [("a:1", "x"), ("a:2", "x"), ("a:3", "y"), ("b:1", "x")] {
            kv::set(&tx, key, value, None).await.unwrap();
        }
        assert_eq!(kv::delete_having(&tx, "a:", "x").await.unwrap(), 2);
        tx.commit().await.unwrap();
        for (key, left) in [("a:1", None), ("a:3", Some("y")), ("b:1", Some("x"))] {
            assert_eq!(kv::get(&db, key).await.unwrap().as_deref(), left, "{key}");
        }
    })
    .await;
}

async fn add_event(db: &Database, tenant: TenantId, action: &str, at: chrono::DateTime<chrono::Utc>) {
    let tx = db.begin().await.unwrap();
    let event = AuditEvent {
        id: new_uuid(),
        tenant_id: Some(tenant),
        account_id: None,
        actor: "system".into(),
        action: action.into(),
        object_type: "app".into(),
        object_id: "x".into(),
        before: None,
        after: Some(serde_json::json!({"name": "x"})),
        ip: None,
        request_id: None,
        created_at: at,
    };
    audit::insert(&tx, event).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn pages_follow_each_other_also_at_equal_times() {
    on_each_database(|db| async move {
        let (mine, other) = (TenantId::new(), TenantId::new());
        let at = now();
        for action in ["a", "b", "c"] {
            add_event(&db, mine, action, at).await;
        }
        add_event(&db, mine, "d", at + chrono::Duration::milliseconds(1)).await;
        add_event(&db, other, "hidden", at).await;

        let mut seen = Vec::new();
        let mut page = Page::first(3);
        loop {
            let got = audit::list(&db, mine, page).await.unwrap();
            seen.extend(got.items.iter().map(|event| event.action.clone()));
            if !got.has_more {
                break;
            }
            page.after = got.items.last().map(|event| (event.created_at, event.id));
        }
        assert_eq!(seen, ["d", "c", "b", "a"]);
    })
    .await;
}

#[tokio::test]
async fn network_rules_of_a_workspace() {
    on_each_database(async |db: Database| {
        let (mine, other) = (TenantId::new(), TenantId::new());
        let rules = NetworkRules {
            tenant_id: mine,
            only_listed: true,
            allowed: vec!["api.example.com".into(), "10.0.0.0/8:443".into()],
            private: Vec::new(),
            updated_by: Some(AccountId::new()),
            updated_at: now(),
        };
        let changed = NetworkRules { only_listed: false, private: vec!["intranet".into()], ..rules.clone() };
        for wanted in [rules, changed] {
            let tx = db.begin().await.unwrap();
            network_rules::set(&tx, wanted.clone()).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(network_rules::find(&db, mine).await.unwrap(), Some(wanted));
        }
        assert_eq!(network_rules::find(&db, other).await.unwrap(), None);
    })
    .await;
}
