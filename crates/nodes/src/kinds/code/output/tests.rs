use serde_json::json;

use super::*;

fn declare(types: Json) -> IndexMap<String, OutputType> {
    read_types(serde_json::from_value(types).unwrap()).unwrap()
}

#[test]
fn results_are_checked_with_the_known_texts() {
    let deep = json!({"a": {"b": {"c": {"d": {"e": 1}}}}});
    let s30 = json!(vec!["x"; 31]);
    let cases: Vec<(Json, Json, Result<Json, &str>)> = vec![
        (json!({"r": {"type": "string"}}), json!({"r": "a\u{0}b"}), Ok(json!({"r": "ab"}))),
        (json!({"r": {"type": "string"}}), json!({"r": null}), Ok(json!({"r": null}))),
        (json!({"r": {"type": "string"}}), json!({}), Err("Output r is missing.")),
        (json!({"r": {"type": "string"}}), json!({"r": 1}), Err("Output r must be a string, got int instead.")),
        (json!({"r": {"type": "string"}}), json!({"r": {}}), Err("Output r must be a string, got dict instead.")),
        (json!({"r": {"type": "string"}}), json!({"r": "", "x": 1}), Err("Not all output parameters are validated.")),
        (
            json!({"r": {"type": "string"}}),
            json!({"r": "é".repeat(400_001)}),
            Err("The length of output variable `r` must be less than 400000 characters"),
        ),
        (json!({"r": {"type": "string"}}), json!({"r": "é".repeat(400_000)}), Ok(json!({"r": "é".repeat(400_000)}))),
        (json!({"r": {"type": "number"}}), json!({"r": 1.5}), Ok(json!({"r": 1.5}))),
        (json!({"r": {"type": "number"}}), json!({"r": true}), Ok(json!({"r": 1}))),
        (
            json!({"r": {"type": "number"}}),
            json!({"r": "x"}),
            Err("Output r is not a number, got <class 'str'> instead."),
        ),
        (
            json!({"r": {"type": "number"}}),
            json!({"r": 1e20}),
            Err(
                "Output variable `r` is out of range, it must be between -9223372036854775807 and 9223372036854775807.",
            ),
        ),
        (
            json!({"r": {"type": "number"}}),
            json!({"r": 1e-25}),
            Err("Output variable `r` has too high precision, it must be less than 20 digits."),
        ),
        (
            json!({"r": {"type": "boolean"}}),
            json!({"r": 1}),
            Err("Output r is not a boolean, got <class 'int'> instead."),
        ),
        (
            json!({"r": {"type": "object"}}),
            json!({"r": []}),
            Err("Output r is not an object, got <class 'list'> instead."),
        ),
        (
            json!({"r": {"type": "object"}}),
            json!({"r": {"a": [1, null], "b": {}}}),
            Ok(json!({"r": {"a": [1, null], "b": {}}})),
        ),
        (
            json!({"r": {"type": "object"}}),
            json!({"r": {"a": [1, "x"]}}),
            Err("Output r.a is not a valid array. make sure all elements are of the same type."),
        ),
        (json!({"r": {"type": "object"}}), json!({"r": {"a": [[1]]}}), Err("Output r.a is not a valid type.")),
        (json!({"r": {"type": "object"}}), json!({"r": deep}), Err("Depth limit 5 reached, object too deep.")),
        (
            json!({"r": {"type": "object", "children": {"a": {"type": "number"}}}}),
            json!({"r": {"a": "x"}}),
            Err("Output r.a is not a number, got <class 'str'> instead."),
        ),
        (
            json!({"r": {"type": "object", "children": {"a": {"type": "number"}}}}),
            json!({"r": {}}),
            Err("Output r.a is missing."),
        ),
        (json!({"r": {"type": "array[string]"}}), json!({"r": ["a", null]}), Ok(json!({"r": ["a", null]}))),
        (
            json!({"r": {"type": "array[string]"}}),
            json!({"r": "a"}),
            Err("Output r is not an array, got <class 'str'> instead."),
        ),
        (
            json!({"r": {"type": "array[string]"}}),
            json!({"r": ["a", 1]}),
            Err("Output r[1] must be a string, got int instead."),
        ),
        (
            json!({"r": {"type": "array[string]"}}),
            json!({"r": s30}),
            Err(
                "The length of output variable `r` must be less than 30 elements. An operator can raise this limit with CODE_MAX_STRING_ARRAY_LENGTH.",
            ),
        ),
        (
            json!({"r": {"type": "array[number]"}}),
            json!({"r": [1, null]}),
            Err("The element at index 1 of output variable `r` must be a number."),
        ),
        (json!({"r": {"type": "array[number]"}}), json!({"r": [1, 2.5, true]}), Ok(json!({"r": [1, 2.5, 1]}))),
        (
            json!({"r": {"type": "array[object]"}}),
            json!({"r": [{}, 1]}),
            Err("Output r[1] is not an object, got <class 'int'> instead at index 1."),
        ),
        (
            json!({"r": {"type": "array[object]", "children": {"a": {"type": "string"}}}}),
            json!({"r": [{"a": 1}]}),
            Err("Output r[0].a must be a string, got int instead."),
        ),
        (
            json!({"r": {"type": "array[boolean]"}}),
            json!({"r": [true, "x"]}),
            Err("Output r[1] is not a boolean, got <class 'str'> instead."),
        ),
    ];
    for (types, result, expected) in cases {
        let got = check(result.as_object().unwrap(), &declare(types.clone()), &Limits::default());
        let got = got.map(|values| Value::object(values).to_json()).map_err(|error| error.text);
        assert_eq!(got, expected.map_err(str::to_owned), "{types}");
    }
}

#[test]
fn classes_and_declared_array_types() {
    let declared = declare(json!({"r": {"type": "array[string]"}, "o": {"type": "object"}}));
    let values = check(json!({"r": [], "o": {}}).as_object().unwrap(), &declared, &Limits::default()).unwrap();
    assert_eq!(values["r"].value_type(), ValueType::ArrayString);
    let kind = |result: Json| check(result.as_object().unwrap(), &declared, &Limits::default()).unwrap_err().kind;
    assert_eq!(kind(json!({})), "OutputValidationError");
    assert_eq!(kind(json!({"r": [], "o": {}, "x": 1})), "CodeNodeError");
    assert_eq!(kind(json!({"r": [], "o": {"a": {"a": {"a": {"a": {"a": 1}}}}}})), "DepthLimitError");
    for bad in ["file", "secret", "array[file]", "any"] {
        assert!(read_types(serde_json::from_value(json!({"r": {"type": bad}})).unwrap()).is_err(), "{bad}");
    }
}
