//! Words that stand for one of a few values.

/// Declares an enum whose values are words in a file: the spelling of ARM, and others that mean the same.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$item_doc:meta])* $item:ident = $word:literal $(| $also:literal)*),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$item_doc])* $item,)+
        }

        impl $name {
            /// Names what these are, for a message.
            pub const WHAT: &'static str = $what;

            /// Every spelling, and the one that ARM has.
            pub const WORDS: &'static [(&'static str, &'static str)] = &[$(($word, $word), $(($also, $word),)*)+];

            /// Returns every value.
            pub const ALL: &'static [$name] = &[$($name::$item),+];

            /// Returns the value that a word stands for, whatever its case.
            pub fn read(word: &str) -> Option<Self> {
                $(
                    if [$word $(, $also)*].iter().any(|known| known.eq_ignore_ascii_case(word)) {
                        return Some($name::$item);
                    }
                )+
                None
            }

            /// Returns the word that ARM has for it.
            pub const fn word(self) -> &'static str {
                match self {
                    $($name::$item => $word,)+
                }
            }
        }
    };
}

pub(crate) use words;
