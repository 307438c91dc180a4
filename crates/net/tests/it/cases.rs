//! Which test proves which numbered case of the egress contract. The list is checked: every test named here exists and
//! names its numbers, and no number of the contract is left out.

use std::{collections::BTreeSet, fs, path::Path};

const TABLE: &str = "crates/net/tests/it/table.rs";
const CALLS: &str = "crates/net/tests/it/calls.rs";
const PROXY: &str = "crates/net/tests/it/proxy.rs";
const LIMITS: &str = "crates/net/tests/it/limits.rs";
const SANDBOX: &str = "crates/sandbox/tests/network.rs";
const SERVER: &str = "crates/api/tests/console/egress.rs";

/// Numbers, file, test.
const PROOFS: &[(&[u32], &str, &str)] = &[
    (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20], TABLE, "cases_of_the_public_mode"),
    (&[21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38], TABLE, "cases_of_the_public_mode"),
    (&[39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53], TABLE, "cases_of_the_public_mode"),
    (&[56, 57, 58, 59, 60, 61, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74], TABLE, "cases_of_the_public_mode"),
    (&[75, 76, 77, 78, 123], TABLE, "cases_of_the_public_mode"),
    (&[53, 54, 55], TABLE, "cases_of_model_addresses"),
    (&[45, 60, 102, 103, 106, 107], PROXY, "what_is_answered_without_a_connection"),
    (&[60], "crates/net/tests/it/dns.rs", "case_60_every_name_on_the_way_counts"),
    (&[60], "crates/net/tests/it/dns.rs", "case_60_the_systems_resolver_tells_the_aliases"),
    (&[62], TABLE, "case_62_a_name_is_asked_anew_for_each_request"),
    (&[63], CALLS, "case_63_exactly_the_checked_address_is_dialled"),
    (&[64], CALLS, "case_64_nothing_is_sent_to_an_impostor"),
    (&[64], PROXY, "case_64_another_end_than_the_checked_one"),
    (&[79, 80, 81], CALLS, "host_headers_do_not_reach_other_hosts"),
    (&[82, 83, 84, 85, 86, 89], CALLS, "redirects_are_checked_hop_by_hop"),
    (&[83], CALLS, "case_83_a_denied_hop_gets_no_byte_of_the_body"),
    (&[87], CALLS, "case_87_credentials_stay_at_their_origin"),
    (&[88], "crates/net/src/redirect.rs", "case_88_only_nodes_and_models_leave_https"),
    (&[90], CALLS, "case_90_a_redirect_is_resolved_anew"),
    (&[91, 92], TABLE, "cases_of_own_services"),
    (&[93, 94, 95, 96, 97, 98, 99, 100], TABLE, "cases_of_the_operator_lists"),
    (&[101, 104, 105], PROXY, "tunnels"),
    (&[108], PROXY, "who_may_use_it"),
    (&[109, 110, 111], SANDBOX, "nothing_else_can_be_reached"),
    (&[112], TABLE, "case_112_an_address_says_more_than_its_port"),
    (&[113], SERVER, "case_113_strangers_make_no_calls"),
    (&[114], SERVER, "case_114_visitors_reach_no_private_address"),
    (&[115], SERVER, "case_115_an_import_reaches_no_private_address"),
    (&[117], "crates/extract/tests/remote.rs", "case_117_pages_and_markup_fetch_nothing"),
    (&[118], "crates/extract/tests/remote.rs", "case_118_documents_fetch_nothing"),
    (&[120], SERVER, "case_120_a_sink_of_the_tenant_needs_the_operator"),
    (&[121], LIMITS, "case_121_answers_without_end"),
    (&[121], CALLS, "case_121_compressed_answers"),
    (&[122], LIMITS, "case_122_a_drip_ends_with_the_call"),
    (&[123], "crates/net/tests/it/dns.rs", "case_123_a_long_answer_comes_by_connection"),
    (&[124], CALLS, "case_124_a_new_policy_counts_at_once"),
    (&[125], LIMITS, "case_125_proxies_of_the_environment_are_ignored"),
];

/// Cases of parts that do not exist yet; docs/compatibility.md names them.
const NOT_YET: &[(u32, &str)] = &[(116, "the indexer"), (119, "the MCP client")];
const LAST: u32 = 125;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A function with its name, up to the line that closes it.
fn function<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let at = text.find(&format!("fn {name}("))?;
    let rest = &text[at..];
    let start = text[..at].rfind('\n').map_or(0, |line| line + 1);
    let indent = text[start..].chars().take_while(|character| *character == ' ').count();
    let end = rest.find(&format!("\n{}}}\n", " ".repeat(indent))).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// Whether the text has this number as a word.
fn names(text: &str, number: u32) -> bool {
    text.split(|character: char| !character.is_ascii_digit()).any(|word| word == number.to_string())
}

/// Whether a test says that it is about this case: in its name, in a comment or message, or as the first of a row.
fn is_about(body: &str, number: u32) -> bool {
    let (row, alone) = (format!("({number}, "), format!("{number},"));
    let says = |line: &str| line.to_lowercase().contains("case") && names(line, number);
    body.lines().any(|line| says(line) || line.contains(&row) || line.trim() == alone)
}

#[test]
fn every_case_has_a_test() {
    let mut wrong = Vec::new();
    let mut proven = BTreeSet::new();
    for (numbers, file, test) in PROOFS {
        let text = fs::read_to_string(root().join(file)).unwrap_or_default();
        let Some(body) = function(&text, test) else {
            wrong.push(format!("{file} has no test {test}"));
            continue;
        };
        proven.extend(*numbers);
        let missing = numbers.iter().filter(|number| !is_about(body, **number));
        wrong.extend(missing.map(|number| format!("{test} of {file} does not name case {number}")));
    }
    let docs = fs::read_to_string(root().join("docs/compatibility.md")).unwrap();
    for (number, what) in NOT_YET {
        if proven.contains(number) {
            wrong.push(format!("case {number} is proven now"));
        }
        if !docs.lines().any(|line| names(line, *number) && line.contains(what)) {
            wrong.push(format!("docs/compatibility.md does not say that case {number} waits for {what}"));
        }
        proven.insert(*number);
    }
    wrong.extend(
        (1..=LAST).filter(|number| !proven.contains(number)).map(|number| format!("case {number} has no test")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_contract_has_no_other_cases() {
    let shared = std::env::var("OXIDIFY_SHARED").map_or_else(|_| root().join("../shared"), Into::into);
    let Ok(text) = fs::read_to_string(shared.join("reference/ssrf.md")) else {
        println!("SKIPPED: the references are not here");
        return;
    };
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()?.parse::<u32>().ok());
    assert_eq!(rows.collect::<Vec<_>>(), (1..=LAST).collect::<Vec<_>>());
}
