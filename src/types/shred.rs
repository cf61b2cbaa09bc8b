//! Hot parts of JSON columns, kept in a Parquet file as columns beside the text.
//!
//! Most of what a query over `Entities` or `ExtendedProperties` costs is reading and parsing text of which it wants a
//! few values. A file that is written with these columns has them apart, and who asks for one of their paths reads
//! nothing else. **The answer is the same by construction**: what stands in a column is what [`Paths`] found in the text
//! at this path, as it was written there, by the very calls that a query makes; a null where it found nothing.
//!
//! | part | column of the file | holds |
//! |---|---|---|
//! | a member: `parse_json(ExtendedProperties).DetectionSource` | text | the value as JSON |
//! | how many rows `mv-expand` makes of the value | int | |
//! | a path of these rows: `mv-expand e = parse_json(Entities)`, `e.Type` | text | an array of what is found in each, nulls at its end left out |
//!
//! Of a value that is no array, which `mv-expand` takes for its members or for itself, the array of the last line stands
//! in a bag under the key `""`: `parse_json(Entities)[0].Type`, which is element 0 of the array, finds nothing in it, as
//! it finds nothing in the text.
//!
//! The file's metadata say which column holds which part ([`Index`]). They count only while the file is the one that was
//! written: it must be of alertq's making, and its row groups must lie where they lay. A tool that writes the rows anew,
//! and keeps the metadata, thus cannot make old columns speak for new text. The columns are no columns of the table:
//! whoever describes a file leaves out those that the index names.
//!
//! [`Paths`]: super::json::Paths

use parquet::file::metadata::{FileMetaData, KeyValue, ParquetMetaData, RowGroupMetaData};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::json::{self, Elements, Step};
use super::{Column, ScalarType};

/// Key of a file's metadata that holds the [`Index`].
const KEY: &str = "alertq.shred";
/// What the names of the columns begin with.
const PREFIX: &str = "_shred_";
const VERSION: u32 = 1;

/// What the file's metadata say of its columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    version: u32,
    pub columns: Vec<Shred>,
    /// Of the file's row groups, see [`fingerprint`].
    #[serde(default)]
    layout: String,
}

/// A column that holds a part of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shred {
    /// Its name in the file.
    pub name: String,
    /// The text that it is a part of.
    pub of: String,
    #[serde(flatten)]
    pub part: Part,
    /// Every value is a string without escapes.
    #[serde(default)]
    pub plain: bool,
}

/// What a column holds of a text that is read as `parse_json` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "part", content = "path", rename_all = "lowercase")]
pub enum Part {
    /// What the keys lead to.
    Member(Vec<String>),
    /// How many rows `mv-expand` makes of it.
    Count,
    /// What the keys lead to in each of these rows.
    Element(Vec<String>),
}

impl Part {
    /// Returns the type of the column.
    pub fn scalar_type(&self) -> ScalarType {
        match self {
            Part::Count => ScalarType::Int,
            Part::Member(_) | Part::Element(_) => ScalarType::Dynamic,
        }
    }
}

impl Shred {
    /// Returns the column as it lies in the file.
    pub fn column(&self) -> Column {
        Column::new(&self.name, self.part.scalar_type())
    }
}

/// Paths of the rows that `Entities` expands to. The fields of entities are documented with the entity types.
const ENTITIES: &[&[&str]] = &[
    &["Type"],
    &["$id"],
    &["$ref"],
    // Hosts.
    &["HostName"],
    &["DnsDomain"],
    &["NTDomain"],
    &["NetBiosName"],
    &["FQDN"],
    &["AzureID"],
    &["OMSAgentID"],
    &["MdatpDeviceId"],
    &["OSFamily"],
    &["OSVersion"],
    &["IsDomainJoined"],
    &["RiskScore"],
    &["HealthStatus"],
    &["OnboardingStatus"],
    &["LastIpAddress"],
    &["LastExternalIpAddress"],
    // Accounts, and whatever else has a name.
    &["Name"],
    &["UPNSuffix"],
    &["DisplayName"],
    &["AadUserId"],
    &["AadTenantId"],
    &["ObjectGuid"],
    &["PUID"],
    &["Sid"],
    &["Host", "$ref"],
    // Addresses.
    &["Address"],
    &["Location", "CountryCode"],
    &["Location", "CountryName"],
    &["Location", "State"],
    &["Location", "City"],
    &["Location", "Latitude"],
    &["Location", "Longitude"],
    &["Location", "Asn"],
    // Resources, files, processes.
    &["ResourceId"],
    &["ResourceType"],
    &["Directory"],
    &["Algorithm"],
    &["Value"],
    &["ProcessId"],
    &["CommandLine"],
    &["ImageFile", "$ref"],
    &["Account", "$ref"],
    &["ParentProcess", "$ref"],
    // Links, mail, applications.
    &["Url"],
    &["DomainName"],
    &["Recipient"],
    &["Sender"],
    &["SenderIP"],
    &["P2Sender"],
    &["Subject"],
    &["NetworkMessageId"],
    &["MailboxPrimaryAddress"],
    &["Upn"],
    &["AppId"],
    &["AppName"],
    &["InstanceName"],
    &["Category"],
    &["Key"],
    &["Hive"],
];

/// Members of `ExtendedProperties`: of every alert, of alerts that rules raise, and of the common products.
const PROPERTIES: &[&[&str]] = &[
    &["Alert generation status"],
    &["ProcessedBySentinel"],
    &["Query Period"],
    &["Query Start Time UTC"],
    &["Query End Time UTC"],
    &["Trigger Operator"],
    &["Trigger Threshold"],
    &["Search Query Results Overall Count"],
    &["Event Grouping"],
    &["Data Sources"],
    &["Analytic Rule Ids"],
    &["Analytic Rule Name"],
    &["Custom Details"],
    &["DetectionSource"],
    &["DetectorId"],
    &["Determination"],
    &["ThreatFamilyName"],
    &["IncidentId"],
    &["MicrosoftDefenderAtp.Category"],
    &["MicrosoftDefenderAtp.InvestigationState"],
    &["Device Id"],
    &["Command Line"],
    &["Image Path"],
    &["Machine Groups"],
    &["OS Platform"],
    &["User Name"],
    &["User Account"],
    &["Client IP Address"],
    &["Client Location"],
    &["User-Agent"],
    &["State"],
    &["Status"],
    &["Category"],
    &["Detection Subcategory"],
    &["Compromised Host"],
    &["Account Session Id"],
    &["ActionTaken"],
    &["Suspicious Process"],
    &["Suspicious Command Line"],
    &["Failed Attempts"],
    &["Successful Logins"],
    &["Number of failed authentication attempts to host"],
    &["Victim Port"],
    &["Protocol"],
    &["Attacker IP"],
    &["Attacker source IP"],
    &["Source IP"],
    &["Target"],
    &["resourceType"],
    &["effectiveAzureResourceId"],
    &["Geolocation"],
    &["OccuringDatacenter"],
    &["ReportingSystem"],
    &["EffectiveAzureResourceId"],
    &["EffectiveSubscriptionId"],
    &["AlertUri"],
    &["Alert Id"],
    &["Severity"],
];

/// Returns the parts that are kept of a table's columns, under names that none of these has.
///
/// ```
/// use alertq::types::{Column, ScalarType, shred};
/// let shreds = shred::layout(&[Column::new("Entities", ScalarType::String)]);
/// assert_eq!(shreds[0].name, "_shred_Entities_count");
/// assert_eq!(shreds[1].name, "_shred_Entities_Type");
/// ```
pub fn layout(columns: &[Column]) -> Vec<Shred> {
    let mut shreds: Vec<Shred> = Vec::new();
    let mut add = |of: &str, part: Part| {
        let path = match &part {
            Part::Member(path) | Part::Element(path) => path.join("_"),
            Part::Count => "count".to_string(),
        };
        // Letters and digits are a name to every reader.
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let stem: String = format!("{PREFIX}{of}_{}", path.replace('$', "")).chars().map(plain).collect();
        let taken = |name: &String, shreds: &[Shred]| {
            columns.iter().any(|column| column.name.eq_ignore_ascii_case(name))
                || shreds.iter().any(|shred| shred.name.eq_ignore_ascii_case(name))
        };
        let names = std::iter::once(stem.clone()).chain((2..).map(|number| format!("{stem}_{number}")));
        let name = names.into_iter().find(|name| !taken(name, &shreds)).unwrap_or(stem);
        shreds.push(Shred { name, of: of.to_string(), part, plain: false });
    };
    let keys = |path: &&[&str]| path.iter().map(|key| key.to_string()).collect::<Vec<_>>();
    let has = |name: &str| columns.contains(&Column::new(name, ScalarType::String));
    if has("Entities") {
        add("Entities", Part::Count);
        ENTITIES.iter().for_each(|path| add("Entities", Part::Element(keys(path))));
    }
    if has("ExtendedProperties") {
        PROPERTIES.iter().for_each(|path| add("ExtendedProperties", Part::Member(keys(path))));
    }
    shreds
}

impl Index {
    /// Makes the index of a file whose row groups are written.
    pub fn new<'a>(columns: Vec<Shred>, groups: impl IntoIterator<Item = &'a RowGroupMetaData>) -> Index {
        Index { version: VERSION, columns, layout: fingerprint(groups) }
    }

    /// Returns it as a file's metadata hold it.
    pub fn to_metadata(&self) -> KeyValue {
        KeyValue::new(KEY.to_string(), serde_json::to_string(self).ok())
    }

    /// Reads the index of a file, if its columns can be relied on.
    pub fn of(metadata: &ParquetMetaData) -> Option<Index> {
        let file = metadata.file_metadata();
        let ours = file.created_by().is_some_and(|maker| maker.starts_with("alertq "));
        let index = stored(file).filter(|index| ours && index.version == VERSION)?;
        (index.layout == fingerprint(metadata.row_groups())).then_some(index)
    }

    /// Keeps what another file has too.
    pub fn and(mut self, other: &Index) -> Index {
        self.columns.retain_mut(|column| {
            let same = |of_other: &&Shred| {
                of_other.name == column.name && of_other.of == column.of && of_other.part == column.part
            };
            let found = other.columns.iter().find(same);
            column.plain &= found.is_some_and(|found| found.plain);
            found.is_some()
        });
        self
    }

    /// Finds the column that holds a part of a text.
    pub fn find(&self, of: &str, part: &Part) -> Option<&Shred> {
        self.columns.iter().find(|column| column.of == of && column.part == *part)
    }
}

/// Tells whether a name may be one of an index.
pub fn is_name(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Returns the columns of a file that are parts of others, whether they can be relied on or not.
pub fn names(file: &FileMetaData) -> Vec<String> {
    stored(file).map_or(Vec::new(), |index| index.columns.into_iter().map(|column| column.name).collect())
}

fn stored(file: &FileMetaData) -> Option<Index> {
    let pair = file.key_value_metadata()?.iter().find(|pair| pair.key == KEY)?;
    serde_json::from_str(pair.value.as_deref()?).ok()
}

/// Says where row groups lie and how large they are: a file that is written anew has others.
fn fingerprint<'a>(groups: impl IntoIterator<Item = &'a RowGroupMetaData>) -> String {
    let mut hash = Xxh3::new();
    for group in groups {
        hash.update(&group.num_rows().to_le_bytes());
        for column in group.columns() {
            let place = [column.compressed_size(), column.uncompressed_size(), column.data_page_offset()];
            place.iter().for_each(|number| hash.update(&number.to_le_bytes()));
        }
    }
    format!("{:016x}", hash.digest())
}

/// Returns the steps of a path of keys.
pub fn steps(path: &[String]) -> Vec<Step> {
    path.iter().cloned().map(Step::Key).collect()
}

/// Writes what a path leads to in the rows that a value expands to; false if it leads nowhere.
pub fn write_cell<'a>(
    values: impl DoubleEndedIterator<Item = Option<&'a str>> + Clone,
    is_array: bool,
    cell: &mut String,
) -> bool {
    let count = values.clone().count();
    let unused = values.clone().rev().take_while(Option::is_none).count();
    if count == unused {
        return false;
    }
    cell.push_str(if is_array { "[" } else { BAG });
    for (index, value) in values.take(count - unused).enumerate() {
        if index > 0 {
            cell.push(',');
        }
        cell.push_str(value.unwrap_or("null"));
    }
    cell.push_str(if is_array { "]" } else { "]}" });
    true
}

/// Before the values of a text that is no array.
const BAG: &str = r#"{"":["#;

/// Reads what [`write_cell`] has written: `null` where the path leads nowhere.
///
/// ```
/// use alertq::types::shred::{cell, write_cell};
/// for is_array in [true, false] {
///     let mut text = String::new();
///     write_cell([Some("1"), None, Some("\"a,]\""), None].into_iter(), is_array, &mut text);
///     assert_eq!(cell(&text).collect::<Vec<_>>(), ["1", "null", "\"a,]\""]);
/// }
/// ```
pub fn cell(text: &str) -> Elements<'_> {
    json::elements(if text.starts_with(BAG) { text.get(BAG.len() - 1..).unwrap_or("") } else { text })
}
