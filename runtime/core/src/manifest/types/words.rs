//! Sets of words: an enum, its words as they are written, and the way back. The grammar takes its choices from here.

/// An enum whose values are words of the manifest.
pub(in crate::manifest) trait Word: Copy {
    /// The value that is written so.
    fn read(word: &str) -> Option<Self>;
}

macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ })+) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// The words as they are written.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word as it is written.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl $crate::manifest::types::words::Word for $name {
            fn read(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.word())
            }
        }
    )+ };
}
pub(in crate::manifest) use words;

#[cfg(test)]
mod tests {
    use super::Word;
    use crate::manifest::{Mechanism, Support};

    #[test]
    fn words_lead_to_their_value_and_back() {
        for word in Support::WORDS {
            assert_eq!(Support::read(word).map(Support::word), Some(*word));
        }
        assert_eq!(Mechanism::StandardClauses.to_string(), "scc");
        assert_eq!(Mechanism::read("SCC"), None);
    }
}
