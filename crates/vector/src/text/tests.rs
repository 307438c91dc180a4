use super::*;

fn check(input: &str, expected: &[&str]) {
    assert_eq!(terms(words(), input), expected, "{input:?}");
}

#[test]
fn english_gives_stems_without_stop_words() {
    check("The Running of the bulls", &["run", "bull"]);
    check("Retrieval, retrieved; RETRIEVING!", &["retriev"]);
    check("state-of-the-art", &["state", "art", "stateoftheart"]);
    check("Alzheimer's disease isn't rare", &["alzheim", "diseas", "rare"]);
    check("it’s the children’s", &["children"]);
    check("to be or not to be", &[]);
    check("", &[]);
    check(" \t\n…—", &[]);
}

#[test]
fn numbers_and_identifiers_are_found_whole_and_by_their_parts() {
    check("E-1042", &["e", "1042", "e1042"]);
    check("e1042", &["e1042"]);
    check("foo_bar", &["foo", "bar", "foobar"]);
    check("1.2.3 and 123", &["1", "2", "3", "1.2.3", "123"]);
    check("2024-01-02", &["2024", "01", "02", "2024.01.02"]);
    check("C++ or C#, not C", &["c", "c++", "c#"]);
    check("mail@example.com", &["mail", "exampl", "com", "mailexamplecom"]);
    check("-5 +3 .x.", &["5", "3", "x"]);
}

#[test]
fn case_accents_and_widths_are_folded() {
    check("Café cafe\u{301} CAFÉ", &["cafe"]);
    check("Straße STRASSE", &["strass"]);
    check("ＡＢＣ１２３", &["abc123"]);
    check("İstanbul", &["istanbul"]);
    check("soft\u{AD}ware zero\u{200B}width", &["softwar", "zerowidth"]);
    check("Ærø œuvre", &["aero", "oeuvr"]);
    check("Привет МИР", &["привет", "мир"]);
}

#[test]
fn chinese_japanese_and_korean_give_pairs() {
    check("向量数据库", &["向量", "量数", "数据", "据库"]);
    check("東京タワー", &["東京", "京タ", "タワ", "ワー"]);
    check("ﾄｳｷｮｳ", &["トウ", "ウキ", "キョ", "ョウ"]);
    check("ﾊﾞｽ", &["バス"]);
    check("は\u{3099}す", &["ばす"]);
    check("한국어를 배우다", &["한국", "국어", "어를", "배우", "우다"]);
    check("\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}", &["한국"]);
    check("ก ไทย", &["ไท", "ทย"]);
    check("你好，世界。", &["你好", "世界"]);
}

#[test]
fn mixed_texts_are_cut_where_scripts_change() {
    check("使用Rust编程2024年", &["使用", "rust", "编程", "2024"]);
    check("A股 iPhone手机", &["iphon", "手机"]);
    check("iPhone 15 Pro の価格", &["iphon", "15", "pro", "の価", "価格"]);
}

#[test]
fn single_characters_are_kept_apart() {
    assert_eq!(terms(part(Part::Characters), "A股 税收税"), ["股", "税", "收"]);
    assert_eq!(terms(part(Part::Lone), "A股 税收"), ["股"]);
    assert_eq!(terms(part(Part::Common), "To be, or NOT to bee"), ["to", "be", "or", "not"]);
}

#[test]
fn long_words_are_cut_at_the_same_place() {
    let long = "x".repeat(5000);
    check(&long, &["x".repeat(100).as_str()]);
    let chain = vec!["part"; 500].join("-");
    check(&chain, &["part"]);
    let wide = "字".repeat(5000);
    check(&wide, &["字字"]);
}

#[test]
fn stop_words_are_in_order() {
    assert!(stop::WORDS.is_sorted());
    assert!(stop::is_stop("the"));
    assert!(!stop::is_stop("bull"));
}

proptest::proptest! {
    #[test]
    fn any_text_gives_terms(text in "\\PC{0,200}") {
        for analyzer in [words(), part(Part::Common), part(Part::Characters), part(Part::Lone)] {
            for term in terms(analyzer, &text) {
                proptest::prop_assert!(!term.is_empty() && term.len() <= 900);
            }
        }
    }
}
