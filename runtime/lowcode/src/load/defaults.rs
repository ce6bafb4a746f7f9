//! Types that go without saying: what a component is if it does not tell, by the type of its owner and the field in which it stands.

/// The type of a component without `type`, in the field `owner.field`.
pub fn default_type(field: &str) -> Option<&'static str> {
    Some(match field {
        "DeclarativeSource.check" => "CheckStream",
        "DeclarativeSource.spec" => "Spec",
        "DeclarativeSource.streams" | "DynamicDeclarativeStream.stream_template" | "ParentStreamConfig.stream" => "DeclarativeStream",
        "DeclarativeStream.retriever" | "DynamicSchemaLoader.retriever" | "HttpComponentsResolver.retriever" => "SimpleRetriever",
        "DeclarativeStream.schema_loader" => "JsonFileSchemaLoader",
        // The reference names a resolver here that it does not know itself.
        "DynamicDeclarativeStream.components_resolver" => "ConfigComponentResolver",
        "HttpComponentsResolver.components_mapping" | "ConfigComponentsResolver.components_mapping" => "ComponentMappingDefinition",
        "ConfigComponentsResolver.stream_config" => "StreamConfig",
        "SimpleRetriever.requester" => "HttpRequester",
        "SimpleRetriever.record_selector" => "RecordSelector",
        "SimpleRetriever.paginator" => "NoPagination",
        "RecordSelector.extractor" => "DpathExtractor",
        "RecordSelector.record_filter" => "RecordFilter",
        "RecordExpander.parent_fields" => "ParentFieldPath",
        "DpathExtractor.record_expander" => "RecordExpander",
        "DpathExtractor.decoder" | "DefaultPaginator.decoder" | "CursorPagination.decoder" => "JsonDecoder",
        "HttpRequester.error_handler" | "CompositeErrorHandler.error_handlers" => "DefaultErrorHandler",
        "DefaultErrorHandler.response_filters" => "HttpResponseFilter",
        "DatetimeBasedCursor.start_datetime" | "DatetimeBasedCursor.end_datetime" => "MinMaxDatetime",
        "DatetimeBasedCursor.start_time_option"
        | "DatetimeBasedCursor.end_time_option"
        | "DefaultPaginator.page_size_option"
        | "ListPartitionRouter.request_option"
        | "ParentStreamConfig.request_option" => "RequestOption",
        "SubstreamPartitionRouter.parent_stream_configs" | "CustomPartitionRouter.parent_stream_configs" => "ParentStreamConfig",
        "AddFields.fields" => "AddedFieldDefinition",
        "SchemaTypeIdentifier.types_map" => "TypesMap",
        _ => return None,
    })
}

/// The type of a component without `type` but with `class_name`, in the field `owner.field`.
pub fn custom_type(field: &str) -> Option<&'static str> {
    Some(match field {
        "DeclarativeStream.retriever" => "CustomRetriever",
        "DeclarativeStream.transformations" => "CustomTransformation",
        "CompositeErrorHandler.backoff_strategies" | "DefaultErrorHandler.backoff_strategies" => "CustomBackoffStrategy",
        "DefaultPaginator.pagination_strategy" => "CustomPaginationStrategy",
        "HttpRequester.authenticator" => "CustomAuthenticator",
        "HttpRequester.error_handler" => "CustomErrorHandler",
        "RecordSelector.extractor" => "CustomRecordExtractor",
        "SimpleRetriever.partition_router" => "CustomPartitionRouter",
        _ => return None,
    })
}
