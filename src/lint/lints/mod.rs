//! The lints, one file each, in the order of their codes.

mod contains_for_has;
mod deprecated_name;
mod empty_test_of_non_string;
mod folded_comparison;
mod join_keys_of_different_case;
mod join_without_kind;
mod look_back_beyond_period;
mod missing_time_filter;
mod not_in_log_analytics;
mod query_too_long;
mod status_of_older_row;
mod take_without_sort;
mod uncast_dynamic;
mod unscoped_search;
mod unused_column;
mod unwindowed_join;
mod value_never_written;

use super::Lint;

/// All lints.
pub static LINTS: &[&Lint] = &[
    &missing_time_filter::LINT,
    &contains_for_has::LINT,
    &unscoped_search::LINT,
    &join_without_kind::LINT,
    &join_keys_of_different_case::LINT,
    &unwindowed_join::LINT,
    &uncast_dynamic::LINT,
    &value_never_written::LINT,
    &unused_column::LINT,
    &take_without_sort::LINT,
    &folded_comparison::LINT,
    &empty_test_of_non_string::LINT,
    &status_of_older_row::LINT,
    &look_back_beyond_period::LINT,
    &deprecated_name::LINT,
    &query_too_long::LINT,
    &not_in_log_analytics::LINT,
];
