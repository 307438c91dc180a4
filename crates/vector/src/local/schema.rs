//! The fields of the full-text index, and how a node becomes a document of it.

use tantivy::{
    Searcher, TantivyDocument, Term,
    columnar::Column,
    schema::{Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions},
    tokenizer::TokenizerManager,
};
use uuid::Uuid;

use crate::{
    node::{Node, NodeKind},
    text::{self, Part},
};

/// Number of a vector that is not there.
pub(super) const NO_VECTOR: u64 = u64::MAX >> 2;

#[derive(Clone)]
pub(super) struct Fields {
    pub schema: Schema,
    pub id: Field,
    pub document: Field,
    pub text: Field,
    pub keywords: Field,
    pub common: Field,
    pub characters: Field,
    numbers: [Field; 7],
}

/// What a node is but for its text, in columns: identity in halves of 64 bits; the vector's number with the kind.
const COLUMNS: [&str; 7] =
    ["id_high", "id_low", "segment_high", "segment_low", "document_high", "document_low", "vector"];

impl Fields {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        let key = tantivy::schema::BytesOptions::default().set_indexed();
        let id = schema.add_bytes_field("id", key.clone());
        let document = schema.add_bytes_field("document", key);
        let mut words = |name: &str, tokenizer: &str, frequencies: bool| {
            let record = if frequencies { IndexRecordOption::WithFreqs } else { IndexRecordOption::Basic };
            let indexing = TextFieldIndexing::default()
                .set_tokenizer(tokenizer)
                .set_index_option(record)
                .set_fieldnorms(frequencies);
            schema.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
        };
        let text = words("text", "words", true);
        let keywords = words("keywords", "words", true);
        let common = words("common", "common", false);
        let characters = words("characters", "characters", true);
        let numbers = COLUMNS.map(|name| schema.add_u64_field(name, NumericOptions::default().set_fast()));
        Self { schema: schema.build(), id, document, text, keywords, common, characters, numbers }
    }

    pub(super) fn tokenizers() -> TokenizerManager {
        let tokenizers = TokenizerManager::default();
        tokenizers.register("words", text::words());
        tokenizers.register("common", text::part(Part::Common));
        tokenizers.register("characters", text::part(Part::Characters));
        tokenizers
    }

    pub(super) fn document(&self, node: &Node, vector: Option<u64>) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_bytes(self.id, node.id.as_bytes());
        document.add_bytes(self.document, node.document_id.as_bytes());
        let keywords = node.keywords.join("\n");
        // A picture has no words.
        let text = if node.kind == NodeKind::Picture { "" } else { node.text.as_str() };
        for field in [self.text, self.common, self.characters] {
            document.add_text(field, text);
        }
        if !keywords.is_empty() {
            for field in [self.keywords, self.common, self.characters] {
                document.add_text(field, &keywords);
            }
        }
        let halves = |id: Uuid| id.as_u64_pair();
        let (id, segment, doc) = (halves(node.id), halves(node.segment_id), halves(node.document_id));
        let kind = match node.kind {
            NodeKind::Segment => 0,
            NodeKind::Child => 1,
            NodeKind::Summary => 2,
            NodeKind::Picture => 3,
        };
        let vector = (vector.unwrap_or(NO_VECTOR) << 2) | kind;
        let values = [id.0, id.1, segment.0, segment.1, doc.0, doc.1, vector];
        for (field, value) in self.numbers.iter().zip(values) {
            document.add_u64(*field, value);
        }
        document
    }

    pub(super) fn key(&self, id: Uuid) -> Term {
        Term::from_field_bytes(self.id, id.as_bytes())
    }
}

/// What a node is but for its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub id: Uuid,
    pub segment_id: Uuid,
    pub document_id: Uuid,
    pub kind: NodeKind,
    pub vector: Option<u64>,
}

/// The columns of one segment of the index.
struct Columns([Column<u64>; 7]);

impl Columns {
    fn identity(&self, doc: u32) -> Identity {
        let value = |index: usize| self.0.get(index).and_then(|column| column.first(doc)).unwrap_or_default();
        let tagged = value(6);
        Identity {
            id: Uuid::from_u64_pair(value(0), value(1)),
            segment_id: Uuid::from_u64_pair(value(2), value(3)),
            document_id: self.document(doc),
            kind: match tagged & 3 {
                0 => NodeKind::Segment,
                1 => NodeKind::Child,
                2 => NodeKind::Summary,
                _ => NodeKind::Picture,
            },
            vector: Some(tagged >> 2).filter(|vector| *vector != NO_VECTOR),
        }
    }

    fn document(&self, doc: u32) -> Uuid {
        let value = |index: usize| self.0.get(index).and_then(|column| column.first(doc)).unwrap_or_default();
        Uuid::from_u64_pair(value(4), value(5))
    }
}

/// One state of the full-text index, as it was after a commit.
pub(super) struct Snapshot {
    pub searcher: Searcher,
    columns: Vec<Columns>,
}

impl Snapshot {
    pub(super) fn new(searcher: Searcher) -> tantivy::Result<Self> {
        let mut columns = Vec::new();
        for reader in searcher.segment_readers() {
            let fast = reader.fast_fields();
            let [a, b, c, d, e, f, g] = COLUMNS;
            let of = |name: &str| fast.u64(name);
            columns.push(Columns([of(a)?, of(b)?, of(c)?, of(d)?, of(e)?, of(f)?, of(g)?]));
        }
        Ok(Self { searcher, columns })
    }

    pub(super) fn identity(&self, segment: usize, doc: u32) -> Option<Identity> {
        self.columns.get(segment).map(|columns| columns.identity(doc))
    }

    pub(super) fn document(&self, segment: usize, doc: u32) -> Option<Uuid> {
        self.columns.get(segment).map(|columns| columns.document(doc))
    }

    /// The node of an id, if it is in.
    pub(super) fn find(&self, fields: &Fields, id: Uuid) -> tantivy::Result<Option<Identity>> {
        use tantivy::DocSet as _;
        let key = fields.key(id);
        for (segment, reader) in self.searcher.segment_readers().iter().enumerate() {
            let Some(mut postings) = reader.inverted_index(fields.id)?.read_postings(&key, IndexRecordOption::Basic)?
            else {
                continue;
            };
            let mut doc = postings.doc();
            while doc != tantivy::TERMINATED {
                if !reader.is_deleted(doc) {
                    return Ok(self.identity(segment, doc));
                }
                doc = postings.advance();
            }
        }
        Ok(None)
    }

    /// Every node that is in.
    pub(super) fn each(&self, mut sink: impl FnMut(Identity)) {
        for (reader, columns) in self.searcher.segment_readers().iter().zip(&self.columns) {
            for doc in reader.doc_ids_alive() {
                sink(columns.identity(doc));
            }
        }
    }
}
