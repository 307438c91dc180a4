pub mod agent;
pub mod answer;
pub mod assigner;
pub mod code;
pub mod datasource;
pub mod document_extractor;
pub mod end;
pub mod http_request;
pub mod human_input;
pub mod if_else;
pub mod iteration;
pub mod knowledge_index;
pub mod knowledge_retrieval;
pub mod list_operator;
pub mod llm;
pub mod loops;
pub mod parameter_extractor;
pub mod question_classifier;
pub mod start;
pub mod template_transform;
pub mod tool;
pub mod trigger;
pub mod variable_aggregator;

#[cfg(test)]
mod tests;
