//! Conversations, messages, their ratings and files, end users: one body, every database.

use chrono::Duration;
use ox_db::{
    Database,
    model::{
        AgentThought, Conversation, ConversationVariable, EndUser, Message, MessageFeedback, MessageFile,
        PinnedConversation, SavedMessage, UploadFile,
    },
    now,
    repo::{
        agent_thoughts, conversation_log,
        conversations::{self, Filter, Owner, SortBy},
        end_users,
        journal::{RunBatch, RunWriter},
        messages, upload_files,
    },
};
use ox_testkit::on_each_database;
use ox_types::{AppId, ConversationId, EndUserId, FileId, MessageId, TenantId, new_uuid};
use serde_json::json;

fn conversation(app: AppId, owner: EndUserId, name: &str, minute: i64) -> Conversation {
    let at = now() + Duration::minutes(minute);
    Conversation {
        id: ConversationId::new(),
        app_id: app,
        app_model_config_id: None,
        model_provider: None,
        model_id: None,
        override_model_configs: None,
        mode: "chat".into(),
        name: name.into(),
        summary: None,
        inputs: json!({}),
        introduction: None,
        system_instruction: None,
        system_instruction_tokens: 0,
        status: "normal".into(),
        invoke_from: Some("service-api".into()),
        from_source: "api".into(),
        from_end_user_id: Some(owner),
        from_account_id: None,
        read_at: None,
        read_account_id: None,
        dialogue_count: 0,
        is_deleted: false,
        created_at: at,
        updated_at: at,
    }
}

fn message(of: &Conversation, query: &str, second: i64) -> Message {
    Message {
        id: MessageId::new(),
        app_id: of.app_id,
        conversation_id: of.id,
        parent_message_id: None,
        model_provider: None,
        model_id: None,
        override_model_configs: None,
        inputs: "{}".into(),
        query: query.into(),
        message: None,
        answer: format!("Answer to {query}"),
        message_tokens: 1,
        message_unit_price: "0".into(),
        message_price_unit: "0.001".into(),
        answer_tokens: 1,
        answer_unit_price: "0".into(),
        answer_price_unit: "0.001".into(),
        total_price: None,
        currency: "USD".into(),
        provider_response_latency: 0.5,
        status: "normal".into(),
        error: None,
        message_metadata: None,
        invoke_from: Some("service-api".into()),
        from_source: "api".into(),
        from_end_user_id: of.from_end_user_id,
        from_account_id: None,
        agent_based: false,
        workflow_run_id: None,
        app_mode: Some("chat".into()),
        owner: None,
        created_at: now() + Duration::seconds(second),
        updated_at: now(),
    }
}

fn thought(of: &Message, position: i32) -> AgentThought {
    AgentThought {
        id: new_uuid(),
        message_id: of.id,
        position,
        thought: None,
        tool: None,
        tool_labels: json!({}),
        tool_meta: json!({}),
        tool_input: None,
        observation: None,
        tool_process_data: None,
        message: None,
        message_token: 0,
        message_unit_price: "0".into(),
        message_price_unit: "0.001".into(),
        message_files: json!([]),
        answer: None,
        answer_token: 0,
        answer_unit_price: "0".into(),
        answer_price_unit: "0.001".into(),
        tokens: 0,
        total_price: "0".into(),
        currency: "USD".into(),
        latency: 0.0,
        created_by_role: "end_user".into(),
        created_by: new_uuid(),
        created_at: now(),
    }
}

#[tokio::test]
async fn thoughts_grow_and_go_with_their_conversation() {
    on_each_database(|db| async move {
        let talk = conversation(AppId::new(), EndUserId::new(), "talk", 0);
        let (first, second) = (message(&talk, "q1", 1), message(&talk, "q2", 2));
        write(&db, &[&talk], &[&first, &second], &[]).await;
        let begun = thought(&first, 1);
        let thoughts = [thought(&first, 2), begun.clone(), thought(&second, 1)];
        let batch = RunBatch { thoughts: thoughts.iter().collect(), ..RunBatch::default() };
        assert_eq!((batch.len(), batch.is_empty()), (3, false));
        RunWriter::new(db.clone()).commit(&batch).await.unwrap();
        let done = AgentThought {
            thought: Some("look it up".into()),
            tool: Some("a;b".into()),
            tool_labels: json!({"a": {"en_US": "A"}}),
            tool_input: Some(r#"{"a": {}}"#.into()),
            observation: Some(r#"{"a": "x"}"#.into()),
            message_files: json!(["f"]),
            tokens: 7,
            latency: 0.5,
            ..begun
        };
        RunWriter::new(db.clone()).commit(&RunBatch { thoughts: vec![&done], ..RunBatch::default() }).await.unwrap();
        let found = agent_thoughts::of_messages(&db, &[first.id]).await.unwrap();
        assert_eq!(found.iter().map(|thought| thought.position).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(found.first(), Some(&done));
        assert_eq!(agent_thoughts::of_messages(&db, &[]).await.unwrap(), []);
        assert_eq!(agent_thoughts::of_messages(&db, &[first.id, second.id]).await.unwrap().len(), 3);
        let tx = db.begin().await.unwrap();
        conversations::delete(&tx, talk.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(agent_thoughts::of_messages(&db, &[first.id, second.id]).await.unwrap(), []);
    })
    .await;
}

async fn write(db: &Database, conversations: &[&Conversation], messages: &[&Message], files: &[&MessageFile]) {
    let batch = RunBatch {
        conversations: conversations.to_vec(),
        messages: messages.to_vec(),
        message_files: files.to_vec(),
        ..RunBatch::default()
    };
    RunWriter::new(db.clone()).commit(&batch).await.unwrap();
}

#[tokio::test]
async fn lists_show_the_users_own_conversations() {
    on_each_database(|db| async move {
        let (app, me, other) = (AppId::new(), EndUserId::new(), EndUserId::new());
        let mine: Vec<_> = (0..4).map(|n| conversation(app, me, &format!("c{n}"), n)).collect();
        let hidden = conversation(app, other, "other", 9);
        let deleted = Conversation { is_deleted: true, ..conversation(app, me, "deleted", 8) };
        let all: Vec<_> = mine.iter().chain([&hidden, &deleted]).collect();
        write(&db, &all, &[], &[]).await;
        let pinned = mine.get(1).unwrap();
        let owner = Owner::EndUser(me);
        let pin = PinnedConversation {
            id: new_uuid(),
            app_id: app,
            conversation_id: pinned.id,
            created_by_role: "end_user".into(),
            created_by: me.0,
            created_at: now(),
        };
        let tx = db.begin().await.unwrap();
        conversations::pin(&tx, pin.clone()).await.unwrap();
        conversations::pin(&tx, PinnedConversation { id: new_uuid(), ..pin }).await.unwrap();
        tx.commit().await.unwrap();

        let base = Filter {
            app_id: app,
            owner,
            invoke_from: None,
            pinned: None,
            sort_by: SortBy::UpdatedAt,
            descending: true,
            limit: 2,
        };
        let names = |page: &ox_db::PageOf<Conversation>| page.items.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        let first = conversations::list(&db, &base, None).await.unwrap();
        assert_eq!((names(&first), first.has_more), (vec!["c3".into(), "c2".into()], true));
        let second = conversations::list(&db, &base, first.items.last()).await.unwrap();
        assert_eq!((names(&second), second.has_more), (vec!["c1".into(), "c0".into()], false));
        let page = Filter { pinned: Some(true), ..base.clone() };
        assert_eq!(names(&conversations::list(&db, &page, None).await.unwrap()), ["c1"]);
        let page = Filter { pinned: Some(false), descending: false, sort_by: SortBy::CreatedAt, ..base.clone() };
        assert_eq!(names(&conversations::list(&db, &page, None).await.unwrap()), ["c0", "c2"]);
        let page = Filter { invoke_from: Some("web-app"), ..base };
        assert_eq!(names(&conversations::list(&db, &page, None).await.unwrap()), Vec::<String>::new());

        assert!(conversations::find_of(&db, app, owner, hidden.id).await.unwrap().is_none());
        assert!(conversations::find(&db, app, hidden.id).await.unwrap().is_some());
        assert!(conversations::find(&db, app, deleted.id).await.unwrap().is_none());
        let tx = db.begin().await.unwrap();
        conversations::rename_from(&tx, AppId::new(), pinned.id, &pinned.name, "another app's").await.unwrap();
        conversations::rename_from(&tx, app, pinned.id, "no longer its name", "too late").await.unwrap();
        conversations::rename_from(&tx, app, pinned.id, &pinned.name, "in time").await.unwrap();
        conversations::unpin(&tx, app, pinned.id, owner).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(conversations::find(&db, app, pinned.id).await.unwrap().unwrap().name, "in time");
        let tx = db.begin().await.unwrap();
        conversations::rename(&tx, pinned.id, "renamed", None).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(conversations::find(&db, app, pinned.id).await.unwrap().unwrap().name, "renamed");
    })
    .await;
}

#[tokio::test]
async fn messages_page_back_and_go_with_their_conversation() {
    on_each_database(|db| async move {
        let (app, me) = (AppId::new(), EndUserId::new());
        let talk = conversation(app, me, "talk", 0);
        let said: Vec<_> = (0..5).map(|n| message(&talk, &format!("q{n}"), n)).collect();
        let first = said.first().unwrap();
        let upload = FileId::new();
        let file = MessageFile {
            id: new_uuid(),
            message_id: first.id,
            kind: "image".into(),
            transfer_method: "local_file".into(),
            belongs_to: Some("user".into()),
            url: None,
            upload_file_id: Some(upload),
            created_by_role: "end_user".into(),
            created_by: me.0,
            created_at: now(),
        };
        write(&db, &[&talk], &said.iter().collect::<Vec<_>>(), &[&file]).await;

        let queries = |page: &ox_db::PageOf<Message>| page.items.iter().map(|m| m.query.clone()).collect::<Vec<_>>();
        let page = messages::list(&db, talk.id, None, 3).await.unwrap();
        assert_eq!((queries(&page), page.has_more), (vec!["q4".into(), "q3".into(), "q2".into()], true));
        let page = messages::list(&db, talk.id, page.items.last(), 3).await.unwrap();
        assert_eq!((queries(&page), page.has_more), (vec!["q1".into(), "q0".into()], false));
        assert_eq!(messages::first(&db, talk.id).await.unwrap().unwrap().query, "q0");
        assert_eq!(messages::find(&db, AppId::new(), first.id).await.unwrap(), None);
        assert_eq!(messages::find_all(&db, app, &[first.id, MessageId::new()]).await.unwrap().len(), 1);
        assert_eq!(messages::files_of(&db, &[first.id]).await.unwrap(), [file]);
        assert_eq!(messages::using_file(&db, upload).await.unwrap(), [first.id]);

        let rate = |rating: &str, side: &str| MessageFeedback {
            id: new_uuid(),
            app_id: app,
            conversation_id: talk.id,
            message_id: first.id,
            rating: rating.into(),
            from_source: side.into(),
            content: None,
            from_end_user_id: Some(me),
            from_account_id: None,
            created_at: now(),
            updated_at: now(),
        };
        let saved = SavedMessage {
            id: new_uuid(),
            app_id: app,
            message_id: first.id,
            created_by_role: "end_user".into(),
            created_by: me.0,
            created_at: now(),
        };
        let variable = |value: i64| ConversationVariable {
            id: talk.id.0,
            conversation_id: talk.id,
            app_id: app,
            data: json!({"name": "n", "value": value}),
            created_at: now(),
            updated_at: now(),
        };
        let tx = db.begin().await.unwrap();
        messages::put_feedback(&tx, rate("like", "user")).await.unwrap();
        messages::put_feedback(&tx, rate("dislike", "user")).await.unwrap();
        messages::put_feedback(&tx, rate("like", "admin")).await.unwrap();
        messages::save(&tx, saved.clone()).await.unwrap();
        messages::save(&tx, SavedMessage { id: new_uuid(), ..saved }).await.unwrap();
        conversations::put_variables(&tx, vec![variable(1)]).await.unwrap();
        conversations::put_variables(&tx, vec![variable(2)]).await.unwrap();
        tx.commit().await.unwrap();
        let ratings = messages::feedbacks_of(&db, &[first.id], Some("user")).await.unwrap();
        assert_eq!(ratings.iter().map(|f| f.rating.as_str()).collect::<Vec<_>>(), ["dislike"]);
        assert_eq!(messages::list_feedbacks(&db, app, 1, 10).await.unwrap().len(), 2);
        let bookmarks = messages::saved(&db, app, me.0, None, 10).await.unwrap().unwrap();
        assert_eq!(bookmarks.items.len(), 1);
        assert_eq!(messages::saved(&db, app, me.0, Some(MessageId::new()), 10).await.unwrap(), None);
        assert_eq!(conversations::variables(&db, talk.id).await.unwrap().first().unwrap().data["value"], 2);

        let filter = conversation_log::Filter { page: 1, limit: 10, ..conversation_log::Filter::default() };
        for (keyword, found) in [("ANSWER to Q3", 1), ("Talk", 1), ("nothing", 0), ("q_", 0)] {
            let filter = conversation_log::Filter { keyword: Some(keyword.into()), ..filter.clone() };
            let (list, total) = conversation_log::list(&db, app, &filter).await.unwrap();
            assert_eq!((list.len(), total), (found, found as u64), "{keyword}");
        }
        let counts = conversation_log::counts(&db, &[talk.id]).await.unwrap();
        let expected = conversation_log::Counts { messages: 5, user_dislike: 1, admin_like: 1, ..Default::default() };
        assert_eq!(counts.get(&talk.id), Some(&expected));

        let tx = db.begin().await.unwrap();
        assert!(messages::delete_feedback(&tx, first.id, "admin").await.unwrap());
        assert!(!messages::delete_feedback(&tx, first.id, "admin").await.unwrap());
        assert!(messages::unsave(&tx, app, first.id, me.0).await.unwrap());
        conversation_log::mark_read(&tx, talk.id, new_uuid()).await.unwrap();
        conversations::delete(&tx, talk.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(messages::list(&db, talk.id, None, 3).await.unwrap().items, []);
        assert_eq!(messages::files_of(&db, &[first.id]).await.unwrap(), []);
        assert_eq!(messages::feedbacks_of(&db, &[first.id], None).await.unwrap(), []);
        assert_eq!(conversations::variables(&db, talk.id).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_session_is_one_end_user() {
    on_each_database(|db| async move {
        let (tenant, app) = (TenantId::new(), AppId::new());
        let user = |kind: &str| EndUser {
            id: EndUserId::new(),
            tenant_id: tenant,
            app_id: Some(app),
            kind: kind.into(),
            external_user_id: None,
            name: None,
            is_anonymous: false,
            session_id: "abc".into(),
            created_at: now(),
            updated_at: now(),
        };
        let first = user("browser");
        let tx = db.begin().await.unwrap();
        let kept = end_users::insert(&tx, first.clone()).await.unwrap();
        let again = end_users::insert(&tx, user("browser")).await.unwrap();
        let api = end_users::insert(&tx, user("service-api")).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((kept.id, again.id), (first.id, first.id));
        let found = end_users::find_by_session(&db, tenant, app, "abc", "service-api").await.unwrap().unwrap();
        assert_eq!(found.id, api.id);
        let found = end_users::find_by_session(&db, tenant, app, "abc", "mcp").await.unwrap();
        assert!(found.is_some());
        assert_eq!(end_users::find_by_session(&db, tenant, AppId::new(), "abc", "mcp").await.unwrap(), None);
        assert_eq!(end_users::find(&db, TenantId::new(), app, first.id).await.unwrap(), None);
        assert_eq!(end_users::find_all(&db, tenant, &[first.id, api.id]).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn files_belong_to_their_workspace() {
    on_each_database(|db| async move {
        let tenant = TenantId::new();
        let file = UploadFile {
            id: FileId::new(),
            tenant_id: tenant,
            storage_type: "local".into(),
            key: "upload_files/x/y.png".into(),
            name: "Ünïcode.png".into(),
            size: 5_000_000_000,
            extension: "png".into(),
            mime_type: Some("image/png".into()),
            created_by_role: "account".into(),
            created_by: new_uuid(),
            used: false,
            used_by: None,
            used_at: None,
            hash: None,
            source_url: String::new(),
            created_at: now(),
        };
        let tx = db.begin().await.unwrap();
        upload_files::insert(&tx, file.clone()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(upload_files::find(&db, tenant, file.id).await.unwrap(), Some(file.clone()));
        assert_eq!(upload_files::find(&db, TenantId::new(), file.id).await.unwrap(), None);
        assert_eq!(upload_files::find_all(&db, tenant, &[file.id, FileId::new()]).await.unwrap().len(), 1);
        assert_eq!(upload_files::find_signed(&db, file.id).await.unwrap().map(|f| f.size), Some(5_000_000_000));
    })
    .await;
}
