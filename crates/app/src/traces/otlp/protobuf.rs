//! The binary form of an OTLP body: `ExportTraceServiceRequest` of opentelemetry-proto, as far as we send it. It is made
//! from the JSON form, so that both say the same.

use ox_types::Json;

/// A field's value follows as a number of variable length.
const VARINT: u64 = 0;
/// A field's value is eight bytes.
const FIXED64: u64 = 1;
/// A field's value is a length and so many bytes.
const LENGTH: u64 = 2;

/// The message that says what this body says.
pub fn encode(body: &Json) -> Vec<u8> {
    let mut request = Message::default();
    for resource in list(body, "resourceSpans") {
        request.message(1, &resource_spans(resource));
    }
    request.0
}

fn resource_spans(of: &Json) -> Message {
    let mut out = Message::default();
    let mut resource = Message::default();
    attributes(&mut resource, 1, of.get("resource"));
    out.message(1, &resource);
    for scope_spans in list(of, "scopeSpans") {
        let mut one = Message::default();
        let mut scope = Message::default();
        let about = scope_spans.get("scope").unwrap_or(&Json::Null);
        scope.text(1, text(about, "name"));
        scope.text(2, text(about, "version"));
        one.message(1, &scope);
        for item in list(scope_spans, "spans") {
            one.message(2, &span(item));
        }
        out.message(2, &one);
    }
    out
}

fn span(of: &Json) -> Message {
    let mut out = Message::default();
    for (field, name) in [(1, "traceId"), (2, "spanId"), (4, "parentSpanId")] {
        out.bytes(field, &hex::decode(text(of, name)).unwrap_or_default());
    }
    out.text(5, text(of, "name"));
    out.number(6, of.get("kind").and_then(Json::as_u64).unwrap_or(0));
    for (field, name) in [(7, "startTimeUnixNano"), (8, "endTimeUnixNano")] {
        out.fixed(field, text(of, name).parse().unwrap_or(0));
    }
    attributes(&mut out, 9, Some(of));
    let told = of.get("status").unwrap_or(&Json::Null);
    let mut status = Message::default();
    status.text(2, text(told, "message"));
    status.number(3, told.get("code").and_then(Json::as_u64).unwrap_or(0));
    out.message(15, &status);
    out
}

fn attributes(out: &mut Message, field: u64, of: Option<&Json>) {
    for attribute in list(of.unwrap_or(&Json::Null), "attributes") {
        let told = attribute.get("value").unwrap_or(&Json::Null);
        let mut value = Message::default();
        // Of a choice, the chosen one is written also when it is empty.
        if let Some(number) = told.get("intValue").and_then(Json::as_str) {
            value.tag(3, VARINT);
            value.varint(number.parse().unwrap_or(0));
        } else {
            value.delimited(1, text(told, "stringValue").as_bytes());
        }
        let mut pair = Message::default();
        pair.text(1, text(attribute, "key"));
        pair.message(2, &value);
        out.message(field, &pair);
    }
}

fn list<'a>(of: &'a Json, name: &str) -> &'a [Json] {
    of.get(name).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(of: &'a Json, name: &str) -> &'a str {
    of.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// A message as it is written. What has its default value is left out, as the format asks.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(low_bits(value) | 0x80);
            value >>= 7;
        }
        self.0.push(low_bits(value));
    }

    fn tag(&mut self, field: u64, kind: u64) {
        self.varint((field << 3) | kind);
    }

    fn delimited(&mut self, field: u64, bytes: &[u8]) {
        self.tag(field, LENGTH);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, inner: &Self) {
        self.delimited(field, &inner.0);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.delimited(field, bytes);
        }
    }

    fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn number(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.tag(field, VARINT);
            self.varint(value);
        }
    }

    fn fixed(&mut self, field: u64, value: u64) {
        self.tag(field, FIXED64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }
}

/// The seven lowest bits.
fn low_bits(value: u64) -> u8 {
    (value & 0x7f).to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_of_variable_length() {
        for (value, expected) in [
            (0, vec![0]),
            (1, vec![1]),
            (127, vec![0x7f]),
            (128, vec![0x80, 0x01]),
            (300, vec![0xac, 0x02]),
            (u64::MAX, vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] {
            let mut message = Message::default();
            message.varint(value);
            assert_eq!(message.0, expected, "{value}");
        }
    }

    /// The bytes were worked out by hand from the published schema.
    #[test]
    fn a_body_byte_by_byte() {
        assert_eq!(encode(&json!({"resourceSpans": []})), Vec::<u8>::new());
        let body = json!({"resourceSpans": [{
            "resource": {"attributes": [{"key": "a", "value": {"stringValue": ""}}]},
            "scopeSpans": [{"scope": {"name": "o", "version": ""}, "spans": [{
                "traceId": "0102", "spanId": "03", "parentSpanId": "", "name": "n", "kind": 1,
                "startTimeUnixNano": "1", "endTimeUnixNano": "2", "status": {"code": 1},
                "attributes": [{"key": "k", "value": {"intValue": "300"}}],
            }]}],
        }]});
        let expected = "0a40\
            0a09\
            0a07\
            0a0161\
            12020a00\
            1233\
            0a03\
            0a016f\
            122c\
            0a020102\
            120103\
            2a016e\
            3001\
            390100000000000000\
            410200000000000000\
            4a08\
            0a016b\
            120318ac02\
            7a021801";
        assert_eq!(hex::encode(encode(&body)), expected);
    }
}
