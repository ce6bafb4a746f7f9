//! From the macro's arguments to code: the export of one world, the description as a custom section, the test of the config's schema.

use std::path::PathBuf;

use proc_macro2::{Literal, Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Ident, Token, Type};

use hub_sdk_package::description::{Description, World};

/// `source: Type`, `destination: Type`, or both.
pub struct Parts {
    source: Option<Type>,
    destination: Option<Type>,
}

impl Parse for Parts {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut parts = Self { source: None, destination: None };
        while !input.is_empty() {
            let role: Ident = input.parse()?;
            input.parse::<Token![:]>()?;
            let place = match role.to_string().as_str() {
                "source" => &mut parts.source,
                "destination" => &mut parts.destination,
                _ => return Err(syn::Error::new(role.span(), "expected `source: Type` or `destination: Type`")),
            };
            if place.replace(input.parse()?).is_some() {
                return Err(syn::Error::new(role.span(), "named twice"));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if parts.source.is_none() && parts.destination.is_none() {
            return Err(input.error("expected `source: Type` or `destination: Type`"));
        }
        Ok(parts)
    }
}

/// The whole expansion.
pub fn expand(parts: &Parts) -> syn::Result<TokenStream> {
    let here = |message: String| syn::Error::new(Span::call_site(), message);
    let folder = PathBuf::from(environment("CARGO_MANIFEST_DIR").map_err(here)?);
    let package = environment("CARGO_PKG_NAME").map_err(here)?;
    let version = environment("CARGO_PKG_VERSION").map_err(here)?;
    let world = World { source: parts.source.is_some(), destination: parts.destination.is_some() };
    let bless = environment("HUB_BLESS").as_deref() == Ok("1");
    let description = Description::read(&folder, &package, &version, Some(world), bless).map_err(here)?;
    let (tracked, section, test) = (tracked(&description), section(&description), schema_test(parts, &description));
    let (bounds, export) = (bounds(parts), export(parts));
    Ok(quote! {
        #bounds
        #tracked
        #section
        #export
        #test
    })
}

/// The derives of a configuration type, with paths that need no further dependency of the connector.
pub fn config(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(syn::Error::new_spanned(arguments, "`#[config]` takes no arguments"));
    }
    Ok(quote! {
        #[derive(Debug, ::hub_sdk::serde::Deserialize, ::hub_sdk::JsonSchema)]
        #[serde(crate = "::hub_sdk::serde", deny_unknown_fields)]
        #[schemars(crate = "::hub_sdk::schemars")]
        #item
    })
}

/// Makes cargo build again when one of the files changes.
fn tracked(description: &Description) -> TokenStream {
    let files = description.files.iter().map(|path| path.to_string_lossy().into_owned());
    quote! { #(const _: &[u8] = ::core::include_bytes!(#files);)* }
}

/// The section lands inside the core module; the build step moves it to the component.
fn section(description: &Description) -> TokenStream {
    let bytes = Literal::byte_string(description.json.as_bytes());
    let length = description.json.len();
    quote! {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            #[allow(unsafe_code, reason = "names a section that nothing executes")]
            #[unsafe(link_section = "hub:manifest")]
            #[used]
            static DESCRIPTION: [u8; #length] = *#bytes;
        };
    }
}

fn bounds(parts: &Parts) -> TokenStream {
    let source = parts.source.iter().map(|source| quote! { const _: fn() = ::hub_sdk::__private::is_source::<#source>; });
    let destination =
        parts.destination.iter().map(|destination| quote! { const _: fn() = ::hub_sdk::__private::is_destination::<#destination>; });
    quote! { #(#source)* #(#destination)* }
}

fn export(parts: &Parts) -> TokenStream {
    let source = parts.source.iter().map(|source| (quote!(source_world), quote!(SourceComponent<#source>)));
    let destination = parts.destination.iter().map(|destination| (quote!(destination_world), quote!(DestinationComponent<#destination>)));
    let exports = source.chain(destination).map(|(world, component)| {
        quote! {
            #[cfg(target_arch = "wasm32")]
            #[allow(unsafe_code, clippy::all, reason = "generated: the exports across the component boundary")]
            const _: () = {
                type Component = ::hub_sdk::__private::#component;
                ::hub_sdk::__private::#world::export!(Component with_types_in ::hub_sdk::__private::#world);
            };
        }
    });
    exports.collect()
}

fn schema_test(parts: &Parts, description: &Description) -> TokenStream {
    let path = description.config_path.to_string_lossy();
    let source = parts.source.iter().map(|source| quote!(<#source as ::hub_sdk::Source>::Config));
    let destination = parts.destination.iter().map(|destination| quote!(<#destination as ::hub_sdk::Destination>::Config));
    quote! {
        #[cfg(test)]
        mod hub_description {
            use super::*;

            #[test]
            fn the_config_schema_is_what_the_type_says() {
                #(::hub_sdk::testing::assert_config_schema::<#source>(#path);)*
                #(::hub_sdk::testing::assert_config_schema::<#destination>(#path);)*
            }
        }
    }
}

fn environment(name: &str) -> Result<String, String> {
    #[expect(clippy::disallowed_methods, reason = "cargo tells a macro where it runs by variables only")]
    let value = std::env::var(name);
    value.map_err(|_| format!("{name} is not set: build with cargo"))
}
