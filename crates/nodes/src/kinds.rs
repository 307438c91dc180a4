pub mod answer;
pub mod assigner;
pub mod code;
pub mod end;
pub mod http_request;
pub mod if_else;
pub mod iteration;
pub mod list_operator;
pub mod llm;
pub mod loops;
pub mod parameter_extractor;
pub mod question_classifier;
pub mod start;
pub mod template_transform;
pub mod variable_aggregator;

#[cfg(test)]
mod tests;
