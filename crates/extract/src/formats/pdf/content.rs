//! What a page draws, in the words that its reader knows.

use pdf_extract::{
    Object,
    content::{Content, Operation},
};

/// The drawing commands that say where text and lines are, the rarer ones in terms of the common ones. Colours and the
/// like are left out: they say nothing about the text, and the reader stumbles over unusual ones.
pub fn simplified(content: &[u8]) -> Option<Vec<u8>> {
    let read = Content::decode(content).ok()?;
    let mut operations = Vec::with_capacity(read.operations.len());
    for Operation { operator, operands } in read.operations {
        let numbers = operands.iter().filter(|operand| matches!(operand, Object::Integer(_) | Object::Real(_))).count();
        let is = |count: usize| operands.len() == count && numbers == count;
        let known = match operator.as_str() {
            "BT" | "ET" | "T*" | "q" | "Q" | "h" | "n" | "S" | "f" | "BMC" | "EMC" => true,
            "Td" | "TD" | "m" | "l" => is(2),
            "cm" | "Tm" | "c" => is(6),
            "re" => is(4),
            "Tc" | "Tw" | "Tz" | "TL" | "Ts" => is(1),
            "Tf" => operands.len() == 2 && numbers == 1 && matches!(operands.first(), Some(Object::Name(_))),
            "Do" => matches!(operands.first(), Some(Object::Name(_))),
            "Tj" => matches!(operands.first(), Some(Object::String(..))),
            "TJ" => matches!(operands.first(), Some(Object::Array(_))),
            "s" => {
                operations.push(Operation::new("S", Vec::new()));
                false
            }
            "F" | "f*" | "B" | "B*" | "b" | "b*" => {
                operations.push(Operation::new("f", Vec::new()));
                false
            }
            "'" | "\"" => {
                show_on_next_line(&operands, &mut operations);
                false
            }
            _ => false,
        };
        if known {
            operations.push(Operation { operator, operands });
        }
    }
    Content { operations }.encode().ok()
}

/// `text '` and `words letters text "`.
fn show_on_next_line(operands: &[Object], operations: &mut Vec<Operation>) {
    if let [words, letters, _] = operands {
        operations.push(Operation::new("Tw", vec![words.clone()]));
        operations.push(Operation::new("Tc", vec![letters.clone()]));
    }
    if let Some(text @ Object::String(..)) = operands.last() {
        operations.push(Operation::new("T*", Vec::new()));
        operations.push(Operation::new("Tj", vec![text.clone()]));
    }
}
