use super::*;

fn read(text: &str) -> Result<ProcessRule, RuleError> {
    ProcessRule::read(&serde_json::from_str(text).unwrap())
}

const STEPS_JSON: &str = r#""pre_processing_rules":[{"id":"remove_extra_spaces","enabled":true}]"#;

#[test]
fn what_clients_send() {
    let segmentation = |separators: &[&str], max_tokens, chunk_overlap, unit| Segmentation {
        separators: separators.iter().map(|&one| one.to_owned()).collect(),
        max_tokens,
        chunk_overlap,
        unit,
    };
    for (text, expected) in [
        (
            r#"{"separator":"\n\n","max_tokens":1024,"chunk_overlap":50}"#,
            segmentation(&["\n\n"], 1024, 50, Unit::Characters),
        ),
        (r#"{"max_tokens":"500"}"#, segmentation(&["\n"], 500, 0, Unit::Characters)),
        (
            r#"{"delimiter":"x","max_tokens":500.0,"chunk_overlap":null}"#,
            segmentation(&["x"], 500, 0, Unit::Characters),
        ),
        (r#"{"separator":["a","b"],"max_tokens":60,"unit":"tokens"}"#, segmentation(&["a", "b"], 60, 0, Unit::Tokens)),
    ] {
        let rule = read(&format!(r#"{{"mode":"custom","rules":{{{STEPS_JSON},"segmentation":{text}}}}}"#)).unwrap();
        let rules = rule.rules.as_ref().unwrap();
        assert_eq!(rules.segmentation.as_ref(), Some(&expected), "{text}");
        assert!(rules.cleans("remove_extra_spaces") && !rules.cleans("remove_urls_emails"));
        assert_eq!(rule.check(), Ok(()));
        assert_eq!(ProcessRule::read(&rule.to_json()), Ok(rule), "what is written is read again");
    }
    assert_eq!(read(r#"{"mode":"automatic"}"#), Ok(ProcessRule::automatic()));
    assert_eq!(read(r#"{"mode":"automatic","rules":{}}"#), Ok(ProcessRule::automatic()));
    assert_eq!(
        serde_json::to_string(&ProcessRule::automatic()).unwrap(),
        r#"{"mode":"automatic","rules":{"pre_processing_rules":[{"id":"remove_extra_spaces","enabled":true},{"id":"remove_urls_emails","enabled":false}],"segmentation":{"separator":"\n","max_tokens":500,"chunk_overlap":50}}}"#
    );
    // A pipeline writes no more than this.
    let rule = read(r#"{"mode":"hierarchical","rules":{"parent_mode":"full-doc"}}"#).unwrap();
    assert_eq!(rule.rules.unwrap().parent_mode, Some(ParentMode::FullDoc));
}

#[test]
fn what_is_wrong_is_named() {
    let seg = |inner: &str| format!(r#"{{"mode":"custom","rules":{{{STEPS_JSON},"segmentation":{inner}}}}}"#);
    let sub = |inner: &str| {
        format!(
            r#"{{"mode":"hierarchical","rules":{{{STEPS_JSON},"segmentation":{{"max_tokens":100}},"subchunk_segmentation":{inner}}}}}"#
        )
    };
    for (text, expected) in [
        ("{}".to_owned(), "Process rule mode is required"),
        (r#"{"mode":"x"}"#.to_owned(), "Process rule mode is invalid"),
        (r#"{"mode":1}"#.to_owned(), "Process rule mode is invalid"),
        (r#"{"mode":"custom"}"#.to_owned(), "Process rule rules is required"),
        (r#"{"mode":"custom","rules":[]}"#.to_owned(), "Process rule rules is invalid"),
        (r#"{"mode":"custom","rules":{}}"#.to_owned(), "Process rule pre_processing_rules is required"),
        (
            r#"{"mode":"custom","rules":{"pre_processing_rules":{}}}"#.to_owned(),
            "Process rule pre_processing_rules is invalid",
        ),
        (
            r#"{"mode":"custom","rules":{"pre_processing_rules":[{"enabled":true}]}}"#.to_owned(),
            "Process rule pre_processing_rules id is required",
        ),
        (
            r#"{"mode":"custom","rules":{"pre_processing_rules":[{"id":"x","enabled":true}]}}"#.to_owned(),
            "Process rule pre_processing_rules id is invalid",
        ),
        (
            r#"{"mode":"custom","rules":{"pre_processing_rules":[{"id":"remove_extra_spaces"}]}}"#.to_owned(),
            "Process rule pre_processing_rules enabled is required",
        ),
        (
            r#"{"mode":"custom","rules":{"pre_processing_rules":[{"id":"remove_extra_spaces","enabled":1}]}}"#
                .to_owned(),
            "Process rule pre_processing_rules enabled is invalid",
        ),
        (format!(r#"{{"mode":"custom","rules":{{{STEPS_JSON}}}}}"#), "Process rule segmentation is required"),
        (seg("7"), "Process rule segmentation is invalid"),
        (seg("{}"), "Process rule segmentation max_tokens is required"),
        (seg(r#"{"max_tokens":"many"}"#), "Process rule segmentation max_tokens is invalid"),
        (seg(r#"{"max_tokens":-5}"#), "Process rule segmentation max_tokens is invalid"),
        (seg(r#"{"max_tokens":50.5}"#), "Process rule segmentation max_tokens is invalid"),
        (seg(r#"{"max_tokens":500,"separator":""}"#), "Process rule segmentation separator is required"),
        (seg(r#"{"max_tokens":500,"separator":[]}"#), "Process rule segmentation separator is required"),
        (seg(r#"{"max_tokens":500,"separator":5}"#), "Process rule segmentation separator is invalid"),
        (seg(r#"{"max_tokens":500,"chunk_overlap":[]}"#), "Process rule segmentation chunk_overlap is invalid"),
        (seg(r#"{"max_tokens":500,"unit":"words"}"#), "Process rule segmentation unit is invalid"),
        (seg(r#"{"max_tokens":49}"#), "Custom segment length should be between 50 and 4000."),
        (seg(r#"{"max_tokens":4001}"#), "Custom segment length should be between 50 and 4000."),
        (
            seg(r#"{"max_tokens":60,"chunk_overlap":61}"#),
            "Got a larger chunk overlap (61) than chunk size (60), should be smaller.",
        ),
        (sub("null"), "Process rule subchunk_segmentation is required"),
        (sub(r#"{"max_tokens":10}"#), "Custom segment length should be between 50 and 4000."),
        (
            format!(r#"{{"mode":"hierarchical","rules":{{{STEPS_JSON},"parent_mode":"page"}}}}"#),
            "Process rule parent_mode is invalid",
        ),
    ] {
        let error = read(&text).and_then(|rule| rule.check()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
    assert_eq!(read(&sub(r#"{"max_tokens":100}"#)).unwrap().check(), Ok(()));
    assert_eq!(read(&seg(r#"{"max_tokens":4001}"#)).unwrap().check_within(5000), Ok(()));
    let whole = format!(
        r#"{{"mode":"hierarchical","rules":{{{STEPS_JSON},"parent_mode":"full-doc","segmentation":{{}},"subchunk_segmentation":{{"max_tokens":100}}}}}}"#
    );
    assert_eq!(read(&whole).unwrap().check(), Ok(()), "a whole document needs no segmentation");
    let error = serde_json::from_str::<ProcessRule>(r#"{"mode":"x"}"#).unwrap_err();
    assert_eq!(error.to_string(), "Process rule mode is invalid");
}
