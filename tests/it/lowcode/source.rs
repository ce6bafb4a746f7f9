//! A small low-code manifest and the manifest of hub that runs it, as text. Whether they are right is the program's to say.

use crate::support::story::{ARCHIVE, HEAD, PURPOSE, flow};

/// What a test varies of the manifest.
#[derive(Clone, Default)]
pub struct Source {
    /// Lines of the requester, indented by eight.
    pub requester: String,
    /// Lines of the record selector, indented by eight.
    pub selector: String,
    /// The whole paginator, from its key on, indented by six; empty: pages of two by number.
    pub paginator: String,
    /// Lines of the stream beside its retriever, indented by four.
    pub stream: String,
    /// Lines below `properties` of the specification, indented by six.
    pub properties: String,
    /// What stands before `streams`.
    pub head: String,
}

const PAGES: &str = "      paginator:
        type: DefaultPaginator
        page_token_option: { type: RequestOption, inject_into: request_parameter, field_name: page }
        pagination_strategy: { type: PageIncrement, start_from_page: 1, page_size: 2, inject_on_first_request: true }
";

impl Source {
    /// The manifest's text: one stream `items`.
    pub fn yaml(&self) -> String {
        let paginator = if self.paginator.is_empty() { PAGES } else { &self.paginator };
        format!(
            "version: 6.0.0
type: DeclarativeSource
check: {{ type: CheckStream, stream_names: [items] }}
{head}streams:
  - type: DeclarativeStream
    name: items
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester:
        type: HttpRequester
        url_base: \"{{{{ config['base_url'] }}}}\"
        path: /items
{requester}      record_selector:
        type: RecordSelector
        extractor: {{ type: DpathExtractor, field_path: [items] }}
{selector}{paginator}{stream}    schema_loader:
      type: InlineSchemaLoader
      schema: {{ type: object, properties: {{ id: {{ type: integer }}, name: {{ type: string }} }} }}
spec:
  type: Spec
  connection_specification:
    type: object
    additionalProperties: true
    properties:
      base_url: {{ type: string }}
{properties}",
            head = self.head,
            requester = self.requester,
            selector = self.selector,
            stream = self.stream,
            properties = self.properties,
        )
    }
}

/// The manifest of hub: `items` of the source at `origin` into a file, with further keys of the configuration and lines of the system.
pub fn manifest(origin: &str, config: &str, system: &str) -> String {
    let system = format!(
        "\n[system.api]\nconnector = \"source.yaml\"\nconfig = {{ base_url = \"{origin}\"{config} }}\nhosts = [\"{origin}\"]\ngrants = [\"read-body\"]\ncollected_for = [\"care\"]\n{system}\n\
         \n[stream.api.items]\nidentity = {{ customer = {{ field = \"id\", strength = \"strong\" }} }}\nsubjects = [\"customer\"]\nretention = [\"customer\"]\nfields = {{ id = \"user.unique_id\", name = \"user.name\" }}\n"
    );
    let flow = flow("items-to-archive", "api.items", "archive.items", "fields = [\"id\", \"name\"]\nmode = \"append\"");
    [HEAD, PURPOSE, ARCHIVE, &system, &flow].concat()
}
