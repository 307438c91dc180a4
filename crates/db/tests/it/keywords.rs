//! Searches of lists by a keyword: the same answers from every database.

use ox_db::{Database, model::Annotation, now, repo::annotations};
use ox_testkit::on_each_database;
use ox_types::{AccountId, AppId, new_uuid};

/// Texts by their places in the list of what is found.
const TEXTS: [&str; 12] = [
    "Über den Wolken",
    "ÜBER ALLES",
    "Ёлка, ёлка",
    "ΣΊΣΥΦΟΣ",
    "Ο Σίσυφος γελά",
    "İstanbul",
    "istanbul",
    r"100%_\ sure (a+b)* [x] {y} $^.|?",
    "1000 surely",
    "a 😀 face",
    "知识库检索",
    "Straße, Größe",
];

const CASES: [(&str, &[usize]); 31] = [
    ("über", &[0, 1]),
    ("ÜBER", &[0, 1]),
    (" übeR ", &[0, 1]),
    ("uber", &[]),
    ("ёлка", &[2]),
    ("ЁЛКА", &[2]),
    ("елка", &[]),
    ("σίσυφοσ", &[3, 4]),
    ("ΣΊΣΥΦΟΣ", &[3, 4]),
    ("Σίσυφος", &[3, 4]),
    ("ΓΕΛΆ", &[4]),
    ("İ", &[5]),
    ("istanbul", &[6]),
    ("STANBUL", &[5, 6]),
    ("ı", &[]),
    ("%", &[7]),
    ("_", &[7]),
    (r"\", &[7]),
    (r"100%_\ SURE", &[7]),
    ("(A+B)*", &[7]),
    ("[X] {Y}", &[7]),
    ("$^.|?", &[7]),
    (".*", &[]),
    ("[a-z]", &[]),
    ("😀", &[9]),
    ("😁", &[]),
    ("知识", &[10]),
    ("检索库", &[]),
    ("straSSe", &[]),
    ("STRAẞE", &[11]),
    ("größ", &[11]),
];

fn annotation(app: AppId, text: &str) -> Annotation {
    Annotation {
        id: new_uuid(),
        app_id: app,
        conversation_id: None,
        message_id: None,
        question: text.into(),
        content: String::new(),
        hit_count: 0,
        account_id: AccountId::new(),
        created_at: now(),
        updated_at: now(),
    }
}

async fn put(db: &Database, items: Vec<Annotation>) {
    let tx = db.begin().await.unwrap();
    annotations::insert(&tx, items).await.unwrap();
    tx.commit().await.unwrap();
}

async fn found(db: &Database, app: AppId, keyword: &str) -> Vec<usize> {
    let (page, total) = annotations::page(db, app, Some(keyword), 1, 50).await.unwrap();
    assert_eq!(page.len() as u64, total, "{keyword}");
    let at = |item: &Annotation| TEXTS.iter().position(|text| *text == item.question).unwrap();
    let mut at: Vec<usize> = page.iter().map(at).collect();
    at.sort_unstable();
    at
}

#[tokio::test]
async fn a_keyword_is_found_in_any_case_of_any_script() {
    on_each_database(|db| async move {
        let app = AppId::new();
        put(&db, TEXTS.map(|text| annotation(app, text)).into()).await;
        for (keyword, expected) in CASES {
            assert_eq!(found(&db, app, keyword).await, expected, "{keyword:?}");
        }
        let all: Vec<usize> = (0..TEXTS.len()).collect();
        for nothing in ["", "  ", "\u{0}"] {
            assert_eq!(found(&db, app, nothing).await, all, "{nothing:?}");
        }
        // Too long to be found, and no error.
        assert_eq!(found(&db, app, &"Ünd ".repeat(5000)).await, [0_usize; 0]);
    })
    .await;
}

#[tokio::test]
async fn every_letter_is_taken_by_every_database() {
    on_each_database(|db| async move {
        let letters: Vec<char> =
            ('\u{1}'..=char::MAX).filter(|letter| letter.is_lowercase() || letter.is_ascii()).collect();
        let texts: Vec<String> = letters.chunks(150).map(|letters| letters.iter().collect()).collect();
        let app = AppId::new();
        put(&db, texts.iter().map(|text| annotation(app, text)).collect()).await;
        for text in texts {
            let (page, _) = annotations::page(&db, app, Some(&text), 1, 5).await.unwrap();
            assert!(page.iter().any(|item| item.question == text), "{text:?}");
        }
    })
    .await;
}
