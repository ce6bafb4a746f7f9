//! The message catalogue of all documents: each word with its German and its English text, so that a text without one of them does not compile.
//! Citations of laws stay German in both. Decides nothing about where a word stands.

use crate::manifest::Language;

macro_rules! catalogue {
    ($($name:ident: $german:literal, $english:literal;)+) => {
        /// A text of the documents. `{}` stands for a fact that is filled in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Word {
            $(#[doc = $english] $name,)+
        }

        impl Word {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            const fn both(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => ($german, $english),)+
                }
            }
        }
    };
}

catalogue! {
    // Columns of the register
    Name: "Nr. und Bezeichnung", "No. and name";
    Introduced: "Erstmals eingeführt", "First introduced";
    Changed: "Zuletzt geändert", "Last changed";
    Department: "Verantwortliche Stelle im Haus", "Department";
    Controller: "Verantwortlicher", "Controller";
    JointController: "Gemeinsam Verantwortliche", "Joint controllers";
    Representative: "Vertreter in der Union", "Representative in the Union";
    Officer: "Datenschutzbeauftragte Person", "Data protection officer";
    Purposes: "Zwecke der Verarbeitung", "Purposes of the processing";
    Basis: "Rechtsgrundlage", "Legal basis";
    Subjects: "Kategorien betroffener Personen", "Categories of data subjects";
    Categories: "Kategorien personenbezogener Daten", "Categories of personal data";
    Recipients: "Kategorien von Empfängern", "Categories of recipients";
    Transfers: "Übermittlungen in Drittländer", "Transfers to third countries";
    Erasure: "Löschfristen", "Erasure periods";
    Measures: "Technische und organisatorische Maßnahmen", "Technical and organisational measures";
    Systems: "Systeme und Schnittstellen", "Systems and interfaces";
    Source: "Herkunft der Daten", "Source of the data";
    Impact: "Datenschutz-Folgenabschätzung", "Data protection impact assessment";
    Rights: "Betroffenenrechte je System", "Rights of data subjects by system";
    Observed: "Beobachtet", "Observed";
    Deviations: "Abweichungen", "Deviations";
    Review: "Nächste Prüfung", "Next review";
    // Headings
    RegisterTitle: "Verzeichnis von Verarbeitungstätigkeiten (Art. 30 Abs. 1 DSGVO)", "Record of processing activities (Art. 30 Abs. 1 DSGVO)";
    MandateTitle: "Verzeichnis des Auftragsverarbeiters (Art. 30 Abs. 2 DSGVO)", "Record of the processor (Art. 30 Abs. 2 DSGVO)";
    MandateController: "Verantwortlicher (Auftraggeber)", "Controller (client)";
    MandateProcessor: "Auftragsverarbeiter", "Processor";
    MandateKinds: "Kategorien von Verarbeitungen", "Categories of processing";
    Version: "Stand {}, Manifest-Version {}, sha256:{}", "As of {}, manifest version {}, sha256:{}";
    NoVersion: "ohne", "none";
    Current: "Das Verzeichnis ist aktuell.", "The record is current.";
    NotObserved: "Ohne Beobachtung erstellt: Läufe und Protokoll wurden nicht ausgewertet.", "Made without observation: runs and log were not looked at.";
    Drift: "Das Verzeichnis ist nicht aktuell: Beobachtung und Erklärung weichen ab.", "The record is not current: what was observed differs from what is declared.";
    ObservedFrom: "Beobachtet vom {} bis zum {} (Tage: {}, Einträge im Protokoll: {}).", "Observed from {} to {} (days: {}, entries of the log: {}).";
    Undeclared: "Läufe ohne erklärten Fluss: {}", "Runs without a declared flow: {}";
    DeniedElsewhere: "Außerhalb von Flüssen abgewiesen: {}", "Denied outside of any flow: {}";
    // Absence
    None: "keine", "none";
    NoneDeclared: "nicht angegeben", "not stated";
    NoTransfer: "keine Übermittlung in ein Drittland", "no transfer to a third country";
    NoRepresentative: "keiner (Sitz in der Union oder nicht erforderlich)", "none (established in the Union or not required)";
    NoPersonalData: "keine personenbezogenen Daten", "no personal data";
    NoRecipient: "keine Empfänger außerhalb des Verantwortlichen", "no recipients outside of the controller";
    // Facts
    Contact: "Kontakt: {}", "contact: {}";
    Authority: "Aufsichtsbehörde: {}", "supervisory authority: {}";
    OnDay: "{} ({})", "{} ({})";
    ChangedOn: "{}; Manifest-Version {}, sha256:{}", "{}; manifest version {}, sha256:{}";
    WithUse: "{} (Verwendung: {})", "{} (use: {})";
    Profiling: "Profiling (Art. 4 Nr. 4 DSGVO): {}", "profiling (Art. 4 Nr. 4 DSGVO): {}";
    Automated: "automatisierte Entscheidung (Art. 22 DSGVO): {}; Grundlage: {}", "automated decision (Art. 22 DSGVO): {}; ground: {}";
    GroundContract: "Vertrag", "contract";
    GroundLaw: "Rechtsvorschrift", "law";
    GroundConsent: "ausdrückliche Einwilligung", "explicit consent";
    BasisConsent: "Art. 6 Abs. 1 lit. a DSGVO (Einwilligung)", "Art. 6 Abs. 1 lit. a DSGVO (consent)";
    BasisContract: "Art. 6 Abs. 1 lit. b DSGVO (Vertrag)", "Art. 6 Abs. 1 lit. b DSGVO (contract)";
    BasisDuty: "Art. 6 Abs. 1 lit. c DSGVO (rechtliche Verpflichtung)", "Art. 6 Abs. 1 lit. c DSGVO (legal obligation)";
    BasisVital: "Art. 6 Abs. 1 lit. d DSGVO (lebenswichtige Interessen)", "Art. 6 Abs. 1 lit. d DSGVO (vital interests)";
    BasisPublic: "Art. 6 Abs. 1 lit. e DSGVO (öffentliche Aufgabe)", "Art. 6 Abs. 1 lit. e DSGVO (public task)";
    BasisInterest: "Art. 6 Abs. 1 lit. f DSGVO (berechtigtes Interesse)", "Art. 6 Abs. 1 lit. f DSGVO (legitimate interest)";
    DetailContract: "Vertrag: {}", "contract: {}";
    DetailLaw: "Vorschrift: {}", "law: {}";
    DetailInterest: "Interesse: {}", "interest: {}";
    DetailBalancing: "Interessenabwägung: {}", "balancing test: {}";
    DetailReason: "Interesse: {}", "interest: {}";
    DetailScope: "Umfang der Einwilligung: {}", "scope of consent: {}";
    DetailProof: "Nachweis: {}", "proof: {}";
    SpecialGround: "Art. 9 Abs. 2 lit. {} DSGVO", "Art. 9 Abs. 2 lit. {} DSGVO";
    SpecialMark: "besondere Kategorie, Art. 9 DSGVO", "special category, Art. 9 DSGVO";
    CriminalMark: "Straftaten, Art. 10 DSGVO", "criminal offences, Art. 10 DSGVO";
    FreeTextMark: "Freitext", "free text";
    ArrivesAs: "kommt an als {}", "arrives as {}";
    About: "etwa {} Personen in {}", "about {} persons in {}";
    Internal: "intern: {}", "internal: {}";
    Processor: "Auftragsverarbeiter (Art. 28 DSGVO): {}", "processor (Art. 28 DSGVO): {}";
    SeparateController: "eigener Verantwortlicher: {}", "separate controller: {}";
    Joint: "gemeinsam Verantwortlicher (Art. 26 DSGVO): {}", "joint controller (Art. 26 DSGVO): {}";
    SystemIs: "System {}", "system {}";
    ContractIs: "Vertrag {}, unterzeichnet {}", "contract {}, signed {}";
    ValidUntil: "gültig bis {}", "valid until {}";
    NoEnd: "ohne Ende", "no end";
    Reviewed: "geprüft {}", "reviewed {}";
    Subprocessor: "Unterauftragsverarbeiter {} ({})", "sub-processor {} ({})";
    ApprovedOn: "genehmigt {}", "approved {}";
    NotApproved: "nicht genehmigt", "not approved";
    Disclosed: "Übermittlung aufgrund {}", "disclosure by {}";
    TransferTo: "{}: {} durch {}", "{}: {} by {}";
    Adequacy: "Angemessenheitsbeschluss (Art. 45 DSGVO)", "adequacy decision (Art. 45 DSGVO)";
    Clauses: "Standardvertragsklauseln (Art. 46 Abs. 2 lit. c DSGVO)", "standard contractual clauses (Art. 46 Abs. 2 lit. c DSGVO)";
    CorporateRules: "verbindliche interne Datenschutzvorschriften (Art. 47 DSGVO)", "binding corporate rules (Art. 47 DSGVO)";
    Derogation: "Ausnahme (Art. 49 DSGVO)", "derogation (Art. 49 DSGVO)";
    NoMechanism: "keine Grundlage erklärt", "no mechanism declared";
    Instrument: "Instrument: {}", "instrument: {}";
    Decision: "Rechtsakt: {}", "legal act: {}";
    Evidence: "Nachweis: {}", "evidence: {}";
    Module: "Modul {}", "module {}";
    Assessment: "Transfer-Folgenabschätzung {}", "transfer impact assessment {}";
    Fallback: "ersatzweise {}", "fallback {}";
    Reference: "Zeichen: {}", "reference: {}";
    Signed: "unterzeichnet {}", "signed {}";
    KeepFor: "{}: mindestens {}", "{}: at least {}";
    LimitTo: "{}: höchstens {}", "{}: at most {}";
    From: "ab {}", "from {}";
    FromEndOfYear: "ab Ende des Kalenderjahres von {}", "from the end of the calendar year of {}";
    ThenErase: "danach Löschung", "then erased";
    ThenRestrict: "danach Einschränkung der Verarbeitung", "then restricted";
    Suspended: "ausgesetzt bei: {}", "suspended by: {}";
    AtLimitRestrict: "an der Höchstfrist eingeschränkt, solange eine Aufbewahrungspflicht besteht", "restricted at the limit while a duty to keep lasts";
    OneYear: "1 Jahr", "1 year";
    Years: "{} Jahre", "{} years";
    OneMonth: "1 Monat", "1 month";
    Months: "{} Monate", "{} months";
    OneDay: "1 Tag", "1 day";
    Days: "{} Tage", "{} days";
    And: "und", "and";
    FlowIs: "Fluss {}: {} → {}", "flow {}: {} → {}";
    StandsIn: "{} in {}", "{} in {}";
    FromSubject: "{}: bei der betroffenen Person erhoben (Art. 13 DSGVO)", "{}: collected from the data subject (Art. 13 DSGVO)";
    FromThird: "{}: von Dritten erhoben: {} (Art. 14 DSGVO)", "{}: obtained from third parties: {} (Art. 14 DSGVO)";
    FromUnknown: "{}: Herkunft nicht angegeben", "{}: source not stated";
    CollectedFor: "erhoben für: {}", "collected for: {}";
    NoIndicator: "kein Anzeichen gefunden; das ersetzt keine Prüfung", "no indicator found; that replaces no assessment";
    OneIndicator: "ein Kriterium erfüllt ({}): zu begründen, warum keine Abschätzung stattfindet", "one criterion met ({}): reasons are wanted why no assessment is made";
    ManyIndicators: "{} Kriterien erfüllt ({}): Abschätzung in der Regel erforderlich (HUB-E170)", "{} criteria met ({}): an assessment is usually required (HUB-E170)";
    DecisionRequired: "entschieden: durchzuführen", "decided: to be made";
    DecisionDone: "entschieden: durchgeführt", "decided: made";
    DecisionAgainst: "entschieden: nicht durchzuführen", "decided: not to be made";
    NoDecision: "keine Entscheidung festgehalten", "no decision recorded";
    Because: "Begründung: {}", "reasons: {}";
    DecidedBy: "durch {}", "by {}";
    Again: "erneut zu prüfen am {}", "to be looked at again on {}";
    RightsOf: "{}: Auskunft {}, Berichtigung {}, Löschung {}, Einschränkung {}", "{}: access {}, rectification {}, erasure {}, restriction {}";
    Native: "durch den Konnektor", "by the connector";
    Emulated: "durch Lesen und Schreiben", "by reads and writes";
    Manual: "von Hand", "by hand";
    Unsupported: "nicht möglich", "not possible";
    Procedure: "Verfahren {}", "procedure {}";
    ReviewImpact: "Folgenabschätzung: {}", "impact assessment: {}";
    ReviewContract: "Vertrag {} zu prüfen: {}", "contract {} to be reviewed: {}";
    EndOfContract: "Vertrag {} endet: {}", "contract {} ends: {}";
    ReviewEvidence: "Nachweis {} ({}) zu prüfen: {}", "evidence {} ({}) to be looked at: {}";
    NoReview: "kein Termin festgelegt", "no date set";
    // Observed
    StateMatch: "{}: stimmt überein", "{}: match";
    StateDead: "{}: erklärt, seit {} Tagen nicht beobachtet", "{}: declared, not observed for {} days";
    StateWaiting: "{}: erklärt, noch nicht beobachtet", "{}: declared, not observed yet";
    StateDenied: "{}: Unerklärtes wurde abgewiesen", "{}: something undeclared was denied";
    StateUnknown: "{}: nicht ausgewertet", "{}: not looked at";
    LastRun: "letzter Lauf {}, Läufe {}, Datensätze {}", "last run {}, runs {}, records {}";
    FieldsSeen: "Felder gesehen {} von {}", "fields seen {} of {}";
    Unseen: "nie gesehen: {}", "never seen: {}";
    CategoriesSeen: "Kategorien gesehen: {}", "categories seen: {}";
    Denied: "abgewiesen: {}", "denied: {}";
    NotDeclared: "nicht erklärt: {}", "not declared: {}";
    // Deviations
    NoOfficer: "Es ist keine datenschutzbeauftragte Person angegeben ([operator] dpo).", "No data protection officer is stated ([operator] dpo).";
    NoRepresentativeOutside: "Der Verantwortliche sitzt außerhalb der Union, und es ist kein Vertreter angegeben (Art. 27 DSGVO).", "The controller is outside of the Union and states no representative (Art. 27 DSGVO).";
    NoDepartment: "Es ist keine verantwortliche Stelle angegeben ([activity] department).", "No department is stated ([activity] department).";
    HistoryTitle: "Änderungsverlauf", "History of changes";
    ChangesOfManifest: "In Kraft getretene Manifeste", "Manifests that came into force";
    ChangeFirst: "Nr. {} vom {}, sha256:{}: erstes Manifest", "No. {} of {}, sha256:{}: first manifest";
    ChangeEditorial: "Nr. {} vom {}, sha256:{}: redaktionell", "No. {} of {}, sha256:{}: editorial";
    ChangeMaterial: "Nr. {} vom {}, sha256:{}: wesentlich", "No. {} of {}, sha256:{}: material";
    ChangeMaterialHigh: "Nr. {} vom {}, sha256:{}: besonders wesentlich", "No. {} of {}, sha256:{}: highly material";
    NoReason: "ohne Begründung", "no reason was given";
    NobodySigned: "niemand hat unterschrieben", "nobody signed";
    ChangedPlaces: "geändert: {}", "changed: {}";
    MoreChanges: "und {} weitere", "and {} more";
    NoActivity: "Der Fluss {} gehört zu keiner Verarbeitungstätigkeit.", "Flow {} belongs to no processing activity.";
    NoApproval: "Der Fluss {} ist nicht freigegeben; seine Einführung ist nicht belegt.", "Flow {} is not approved; its introduction is not documented.";
    NoSubjects: "Zu {} sind keine betroffenen Personen angegeben.", "No data subjects are stated for {}.";
    NoRetention: "Zu {} ist keine Löschfrist angegeben.", "No erasure period is stated for {}.";
    NoStart: "Die Frist {} sagt nicht, wann sie beginnt.", "Period {} does not say when it begins.";
    NoSource: "Zu {} ist nicht angegeben, bei wem die Daten erhoben werden.", "It is not stated from whom the data of {} is collected.";
    NoRights: "Zu {} ist nicht angegeben, wie es Betroffenenrechte erfüllt.", "It is not stated how {} serves the rights of data subjects.";
    ReviewLate: "Die Prüfung ist überfällig: {}.", "The review is overdue: {}.";
    OpenImpact: "Zur Folgenabschätzung ist keine Entscheidung festgehalten.", "No decision about an impact assessment is recorded.";
    DeadFlow: "Der Fluss {} wird nicht genutzt: entfernen (Datenminimierung).", "Flow {} is not used: remove it (data minimisation).";
    DriftOf: "Der Fluss {} weicht von seiner Erklärung ab.", "Flow {} differs from its declaration.";
    NoErasureOfLog: "Zum Protokoll ist keine Löschfrist angegeben.", "No erasure period is stated for the log.";
    // Goals of the Standard-Datenschutzmodell
    Minimisation: "Datenminimierung", "Data minimisation";
    Availability: "Verfügbarkeit", "Availability";
    Integrity: "Integrität", "Integrity";
    Confidentiality: "Vertraulichkeit", "Confidentiality";
    Unlinkability: "Nichtverkettung", "Unlinkability";
    Transparency: "Transparenz", "Transparency";
    Intervenability: "Intervenierbarkeit", "Intervenability";
    OwnMeasures: "Eigene Maßnahmen", "Own measures";
    OnlyDeclared: "nur die {} erklärten Felder werden übertragen, alles andere nicht", "only the {} declared fields pass, everything else does not";
    Withheld: "ausgelassen: {}", "left out: {}";
    Coarsened: "vergröbert oder gekürzt: {}", "made coarser or shorter: {}";
    Backups: "Sicherungen von {} für {}", "backups of {} for {}";
    Resumes: "Läufe setzen am letzten bestätigten Stand fort", "runs resume at the last confirmed position";
    Checked: "jeder Datensatz wird vor der Zustellung gegen sein Schema geprüft", "each record is checked against its schema before delivery";
    Pinned: "Konnektor von {} über seine Prüfsumme festgelegt", "connector of {} pinned by its digest";
    Sandbox: "Konnektoren laufen in einer Sandbox ohne eigenen Zugriff auf Netz, Dateien und Geheimnisse", "connectors run in a sandbox without access of their own to network, files and secrets";
    Hosts: "{} erreicht nur: {}", "{} reaches only: {}";
    NoHosts: "{} erreicht kein Netz", "{} reaches no network";
    Encrypted: "Netzverbindungen nur mit TLS (unverschlüsselt nur innerhalb derselben Maschine)", "network connections with TLS only (unencrypted within the same machine only)";
    Sealed: "für {} verschlüsselt: {}", "encrypted for {}: {}";
    Pseudonymised: "pseudonymisiert ({}): {}", "pseudonymised ({}): {}";
    PurposeBound: "Zweckbindung wird über alle Flüsse hinweg vor jedem Lauf geprüft", "purpose limitation is checked over all flows before each run";
    Logged: "jede Zustellung und Abweisung steht in einem verketteten Protokoll ohne Werte aus Datensätzen", "each delivery and refusal stands in a chained log without values of records";
    Propagates: "Löschungen der Quelle werden weitergegeben: {}", "erasures of the source are passed on: {}";
    Retains: "gesetzlich Aufzubewahrendes bleibt: {}", "what a law makes keep stays: {}";
    ConsentGated: "Einwilligung wird je Datensatz geprüft: {}", "consent is checked for each record: {}";
    // hub's own activity
    OwnName: "Protokoll der Datenflüsse (hub)", "Log of data flows (hub)";
    OwnPurpose: "Nachweis, dass nur erklärte Verarbeitungen stattfinden (Art. 5 Abs. 2 DSGVO)", "proof that only declared processing takes place (Art. 5 Abs. 2 DSGVO)";
    OwnBasis: "Art. 6 Abs. 1 lit. c DSGVO i. V. m. Art. 5 Abs. 2, Art. 24, Art. 32 DSGVO", "Art. 6 Abs. 1 lit. c DSGVO i. V. m. Art. 5 Abs. 2, Art. 24, Art. 32 DSGVO";
    OwnSubjects: "keine: das Protokoll enthält keine Werte aus Datensätzen", "none: the log holds no values of records";
    OwnCategories: "Namen von Flüssen, Feldern und Datenkategorien, Zähler, Zeitpunkte, Prüfsummen", "names of flows, fields and data categories, counts, times, digests";
    OwnMeasure: "Einträge sind verkettet und lassen sich nachrechnen (hub audit verify)", "entries are chained and can be verified (hub audit verify)";
    OwnSystem: "hub, auf der Maschine des Betreibers", "hub, on the operator's machine";
    OwnSource: "entsteht beim Betrieb von hub", "arises from running hub";
    OwnImpact: "nicht Teil der Vorprüfung: keine Werte aus Datensätzen", "not part of the screening: no values of records";
    // Impact assessment
    ScreeningTitle: "Vorprüfung zur Datenschutz-Folgenabschätzung (Art. 35 DSGVO)", "Screening for a data protection impact assessment (Art. 35 DSGVO)";
    ScreeningScope: "Geprüft wurden die neun Kriterien von WP 248 rev.01, soweit sie sich aus dem Manifest ergeben. Die Liste der Aufsichtsbehörden (Art. 35 Abs. 4 DSGVO) wurde nicht geprüft.", "The nine criteria of WP 248 rev.01 were looked at, as far as the manifest shows them. The list of the supervisory authorities (Art. 35 Abs. 4 DSGVO) was not looked at.";
    Criterion: "Kriterium {}: {}", "criterion {}: {}";
    InFlow: "{} (Fluss {})", "{} (flow {})";
    Criterion1: "Bewerten oder Einstufen", "evaluation or scoring";
    Criterion2: "automatisierte Entscheidung", "automated decision";
    Criterion3: "systematische Überwachung", "systematic monitoring";
    Criterion4: "vertrauliche oder höchst persönliche Daten", "sensitive or highly personal data";
    Criterion5: "Verarbeitung in großem Umfang", "processing on a large scale";
    Criterion6: "Abgleichen oder Zusammenführen", "matching or combining";
    Criterion7: "schutzbedürftige Personen", "vulnerable data subjects";
    Criterion8: "neue Techniken", "innovative technology";
    Criterion9: "Hinderung an einem Recht oder Vertrag", "prevents a right or a contract";
    CauseEvaluates: "Zweck {} bewertet Personen", "purpose {} evaluates people";
    CauseDecides: "Zweck {} lässt allein eine Maschine entscheiden", "purpose {} lets a machine alone decide";
    CauseWatches: "Feld {} ({}) beobachtet Personen", "field {} ({}) watches people";
    CauseSpecial: "Feld {} ({}) fällt unter Art. 9 oder 10 DSGVO", "field {} ({}) is data of Art. 9 or 10 DSGVO";
    CauseHighlyPersonal: "Feld {} ({}) ist höchst persönlich", "field {} ({}) is highly personal";
    CauseLargeScale: "{} betrifft etwa {} Personen (Schwelle des Betreibers: {}; kein Gesetz nennt eine Zahl)", "{} is about {} persons (threshold of the operator: {}; no law has a number)";
    CauseCombines: "{} führt Daten aus {} zusammen, erhoben für {}", "{} combines data from {}, collected for {}";
    CauseVulnerable: "{} betrifft {}", "{} is about {}";
    CauseArtificial: "Fluss {} beliefert ein KI-System", "flow {} serves an AI system";
    CausePrevents: "Zweck {} kann Personen an einem Recht, einer Leistung oder einem Vertrag hindern", "purpose {} may keep people from a right, a service or a contract";
    ListedEvaluation: "Art. 35 Abs. 3 Buchst. a DSGVO: Bewertung persönlicher Aspekte als Grundlage automatisierter Entscheidungen", "Art. 35 Abs. 3 Buchst. a DSGVO: personal aspects are evaluated, and decisions are automated";
    ListedSpecial: "Art. 35 Abs. 3 Buchst. b DSGVO: besondere Kategorien in großem Umfang", "Art. 35 Abs. 3 Buchst. b DSGVO: special categories on a large scale";
    ListedBiometric: "DSK-Liste: biometrische Daten und ein weiteres Kriterium", "DSK list: biometric data and one more criterion";
    ListedGenetic: "DSK-Liste: genetische Daten und ein weiteres Kriterium", "DSK list: genetic data and one more criterion";
    ListedLocation: "DSK-Liste: Aufenthaltsorte in großem Umfang", "DSK list: whereabouts on a large scale";
    ListedMerging: "DSK-Liste: Daten aus mehreren Quellen und Zwecken in großem Umfang zusammengeführt", "DSK list: data from several sources and purposes brought together on a large scale";
    ListedEmployees: "DSK-Liste: Verhalten von Beschäftigten", "DSK list: behaviour of employees";
    ListedProfiles: "DSK-Liste: Profile über Interessen, Beziehungen oder Persönlichkeit in großem Umfang", "DSK list: profiles of interests, relations or personality on a large scale";
    ListedArtificial: "DSK-Liste: künstliche Intelligenz bewertet persönliche Aspekte", "DSK list: artificial intelligence evaluates personal aspects";
    LikelyListed: "Wahrscheinlich gelistet – {}", "Likely listed – {}";
    AskHidden: "Trifft zu, was ein Manifest nicht zeigt: Überwachung öffentlich zugänglicher Bereiche (Art. 35 Abs. 3 Buchst. c DSGVO), Daten unter Berufs-, Sozial- oder Amtsgeheimnis in großem Umfang, Veröffentlichung zur Bewertung durch Dritte, Sensoren oder Funksignale, Auswertung von Bild und Ton, Anonymisierung besonderer Kategorien für Dritte, besondere Kategorien aus Sensoren oder Apps?", "Is any of it true that a manifest does not show: monitoring of publicly accessible areas (Art. 35 Abs. 3 Buchst. c DSGVO), data under professional, social or official secrecy on a large scale, publication so that others evaluate people, sensors or radio signals, evaluation of pictures and sound, anonymising special categories for others, special categories out of sensors or apps?";
    SheetTitle: "Gewährleistungsziele des Standard-Datenschutzmodells (Entwurf)", "Protection goals of the Standard Data Protection Model (draft)";
    SheetScope: "Genannt ist, was sich aus dem Manifest ergibt und was der Betreiber angibt; Schutzbedarf, Risiken und Restrisiken beurteilen Menschen.", "It names what follows from the manifest and what the operator says; need of protection, risks and what remains of them are for people to judge.";
    NoMeasure: "Offen: aus dem Manifest ergibt sich keine Maßnahme.", "Open: no measure follows from the manifest.";
    DraftByMachine: "Entwurf aus dem Manifest sha256:{} vom {}; zu prüfen.", "Draft out of manifest sha256:{} of {}; to be checked.";
    NoticeOfActivity: "Datenschutzhinweise nach Art. 13 und 14 DSGVO: hub notice", "Notices of Art. 13 and 14 DSGVO: hub notice";
    Question: "Offen: {}", "Open: {}";
    AskLarge: "Wie viele Personen betrifft {}? (subjects_est fehlt)", "How many persons is {} about? (subjects_est is missing)";
    AskReasons: "Warum ist keine Abschätzung vorgesehen?", "Why is no assessment planned?";
    AskList: "Steht die Verarbeitung auf der Liste der Aufsichtsbehörde?", "Is the processing on the list of the supervisory authority?";
    // Notices
    NoticeTitle: "Datenschutzhinweise: {}", "Privacy notice: {}";
    NoticeIndirect: "Erhebung nicht bei Ihnen (Art. 14 DSGVO)", "Not collected from you (Art. 14 DSGVO)";
    Safeguard: "Eine Kopie der Garantien erhalten Sie unter {}.", "A copy of the safeguards is available from {}.";
    YourRights: "Ihre Rechte", "Your rights";
    RightAccess: "Auskunft (Art. 15 DSGVO)", "access (Art. 15 DSGVO)";
    RightRectify: "Berichtigung (Art. 16 DSGVO)", "rectification (Art. 16 DSGVO)";
    RightErase: "Löschung (Art. 17 DSGVO)", "erasure (Art. 17 DSGVO)";
    RightRestrict: "Einschränkung der Verarbeitung (Art. 18 DSGVO)", "restriction of processing (Art. 18 DSGVO)";
    RightPortability: "Datenübertragbarkeit (Art. 20 DSGVO)", "data portability (Art. 20 DSGVO)";
    RightObject: "Widerspruch (Art. 21 DSGVO)", "objection (Art. 21 DSGVO)";
    RightWithdraw: "Widerruf der Einwilligung mit Wirkung für die Zukunft (Art. 7 Abs. 3 DSGVO)", "withdrawal of consent with effect for the future (Art. 7 Abs. 3 DSGVO)";
    RightHuman: "Eingreifen einer Person (Art. 22 Abs. 3 DSGVO)", "intervention of a person (Art. 22 Abs. 3 DSGVO)";
    RightComplain: "Beschwerde bei einer Aufsichtsbehörde (Art. 77 DSGVO)", "complaint to a supervisory authority (Art. 77 DSGVO)";
    WayToObject: "Widerspruch oder Widerruf: {}", "to object or withdraw: {}";
    Obligation: "Pflicht zur Bereitstellung", "Obligation to provide";
    ByLaw: "Die Angaben sind gesetzlich vorgeschrieben ({}).", "The data is required by law ({}).";
    ByContract: "Die Angaben sind für den Vertrag erforderlich; ohne sie kommt er nicht zustande oder wird nicht erfüllt ({}).", "The data is needed for the contract; without it the contract is not concluded or not performed ({}).";
    Voluntary: "Die Angaben sind freiwillig ({}).", "The data is voluntary ({}).";
    AutomatedDecisions: "Automatisierte Entscheidungen", "Automated decisions";
    NoAutomated: "Es findet keine automatisierte Entscheidung im Sinne von Art. 22 DSGVO statt.", "There is no automated decision in the sense of Art. 22 DSGVO.";
    // Inventory and diagram
    WhereSystem: "System", "System";
    WhereStream: "Datenbestand", "Stream";
    WhereField: "Feld", "Field";
    WhereHeld: "Gehalten für", "Held for";
    WhereTo: "Geht an", "Goes to";
    // The catalogue of connectors
    CatalogueTitle: "Servicekatalog: freigegebene Konnektoren", "Catalogue of approved connectors";
    CatalogueAbout: "Stand der Registratur {} vom {}. Aufgeführt ist, wofür jemand einsteht, dem dieser Rechner vertraut.", "The registry {} as of {}. Listed is what somebody vouches for whom this machine trusts.";
    CatalogueLeftOut: "Nicht aufgeführt, weil niemand dafür einsteht: {}", "Not listed, because nobody vouches for them: {}";
    CatalogueSummary: "Zweck", "What it is";
    CatalogueReads: "Liest (Datenkategorien je Strom)", "Reads (data categories by stream)";
    CatalogueWrites: "Schreibt (Datenkategorien)", "Writes (data categories)";
    CatalogueHosts: "Verbindet sich mit", "Connects to";
    CatalogueImports: "Nutzt vom Wirt", "Uses of the host";
    CatalogueConformance: "Konnektor-Standard", "Connector standard";
    CatalogueSigner: "Unterschrift", "Signed by";
    CatalogueLicence: "Lizenz", "Licence";
    CatalogueInstall: "Installieren", "Install";
    NotSaid: "keine Angabe", "not said";
    Nothing: "nichts", "nothing";
    WhereNothing: "Nirgends: kein Datenbestand hält das.", "Nowhere: no stream holds that.";
    CountryUnknown: "Ort nicht angegeben", "Place not stated";
    ThirdCountry: "Drittland", "Third country";
    DiagramTitle: "Datenflüsse", "Data flows";
}

impl Word {
    /// The text in a language.
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        let (german, english) = self.both();
        match language {
            Language::German => german,
            Language::English => english,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_both_languages_with_the_same_gaps() {
        for word in Word::ALL {
            let (german, english) = word.both();
            assert!(!german.trim().is_empty() && !english.trim().is_empty(), "{word:?}");
            assert_eq!(german.matches("{}").count(), english.matches("{}").count(), "{word:?}");
        }
    }

    #[test]
    fn no_text_says_that_an_assessment_is_not_needed() {
        for word in Word::ALL {
            let (german, english) = word.both();
            for claim in ["no DPIA", "not required:", "no assessment is needed", "nicht erforderlich:", "keine Abschätzung erforderlich"] {
                assert!(!german.contains(claim) && !english.contains(claim), "{word:?}");
            }
        }
    }
}
