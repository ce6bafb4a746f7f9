//! The macro `connector!`: reads `connector.toml` and its schemas at compile time, exports the world, embeds the description.
//!
//! What it embeds is a claim that the host reads without running the component; whether it is granted is the manifest's matter.

mod expand;

use proc_macro::TokenStream;

/// Exports a connector and embeds its description. See `hub_sdk::connector`.
#[proc_macro]
pub fn connector(input: TokenStream) -> TokenStream {
    let parts = syn::parse_macro_input!(input as expand::Parts);
    expand::expand(&parts).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Makes a struct or an enum part of a connector's configuration. See `hub_sdk::config`.
#[proc_macro_attribute]
pub fn config(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::config(arguments.into(), item.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}
