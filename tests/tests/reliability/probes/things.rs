//! The things that calls name, and the questions that find them in a company's rows: the first answer is the one to be
//! taken. What a name stands for moves on with what was done: `{new_request}` is one that nobody has accepted yet.

/// The account that the demo's resident looks at.
const ACCOUNT: &str = "(SELECT l.account_id FROM account_link l
      JOIN resident r ON r.tenant_id = l.tenant_id AND r.id = l.resident_id
    WHERE l.tenant_id = $1 AND r.email LIKE 'resident@%' AND l.ended_at IS NULL
    ORDER BY CASE WHEN r.active_account = l.account_id THEN 0 ELSE 1 END, l.linked_at, l.id LIMIT 1)";

/// A meter of it that people read.
const METER: &str = "(SELECT m.id FROM meter m WHERE m.tenant_id = $1 AND m.account_id = [account]
      AND m.removed_on IS NULL AND m.zones = 1 AND m.automatic = FALSE ORDER BY m.id LIMIT 1)";

/// A water meter at an account that nobody has linked, not read and not faulty this month.
const FREE_METER: &str = "(SELECT m.id FROM meter m JOIN account a ON a.tenant_id = m.tenant_id AND a.id = m.account_id
    WHERE m.tenant_id = $1 AND m.removed_on IS NULL AND m.zones = 1 AND m.automatic = FALSE AND a.closed_on IS NULL
      AND m.service_code IN ('cold_water', 'hot_water')
      AND NOT EXISTS (SELECT 1 FROM account_link l WHERE l.tenant_id = m.tenant_id AND l.account_id = m.account_id)
      AND NOT EXISTS (SELECT 1 FROM meter_fault f WHERE f.tenant_id = m.tenant_id AND f.meter_id = m.id)
      AND NOT EXISTS (SELECT 1 FROM reading r WHERE r.tenant_id = m.tenant_id AND r.meter_id = m.id
                      AND r.period >= 202611)
    ORDER BY m.id DESC LIMIT 1)";

/// The reading that staff took down last.
const TAKEN_DOWN: &str = "FROM reading r WHERE r.tenant_id = $1 AND r.source = 'phone' AND r.period = 202611
      AND r.withdrawn_at IS NULL ORDER BY r.created_at DESC, r.id DESC";

/// The requests of the demo's resident.
const REQUEST: &str = "SELECT q.id AS value FROM request q JOIN resident r ON r.tenant_id = q.tenant_id
      AND r.id = q.resident_id WHERE q.tenant_id = $1 AND r.email LIKE 'resident@%'";

/// The notices of the demo's resident, which are named by their messages.
const NOTICE: &str = "SELECT n.message_id AS value FROM notice n JOIN resident r ON r.tenant_id = n.tenant_id
      AND r.id = n.resident_id WHERE n.tenant_id = $1 AND r.email LIKE 'resident@%' ORDER BY n.id DESC";

/// The demo's resident's sessions, the oldest first.
const SESSION: &str = "SELECT s.token_hash AS value FROM session s JOIN resident r ON r.tenant_id = s.tenant_id
      AND r.id = s.subject_id WHERE s.tenant_id = $1 AND r.email LIKE 'resident@%' ORDER BY s.created_at, s.token_hash";

/// Name of a thing, and the question.
const THINGS: [(&str, &str); 52] = [
    // Accounts and their people.
    (
        "account",
        "SELECT a.id AS value FROM account a WHERE a.tenant_id = $1
                 ORDER BY CASE WHEN a.id = [account] THEN 0 ELSE 1 END, a.number",
    ),
    (
        "number",
        "SELECT a.number_key AS value FROM account a WHERE a.tenant_id = $1
                ORDER BY CASE WHEN a.id = [account] THEN 1 ELSE 0 END, a.number",
    ),
    (
        "free_account",
        "SELECT a.id AS value FROM account a
                 JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
                 WHERE a.tenant_id = $1 AND a.closed_on IS NULL AND p.kind = 'flat' AND NOT EXISTS
                   (SELECT 1 FROM account_link l WHERE l.tenant_id = a.tenant_id AND l.account_id = a.id)
                 ORDER BY a.number DESC",
    ),
    (
        "unmetered",
        "SELECT a.id AS value FROM account a WHERE a.tenant_id = $1 AND a.closed_on IS NULL AND NOT EXISTS
                   (SELECT 1 FROM meter m WHERE m.tenant_id = a.tenant_id AND m.account_id = a.id
                      AND m.service_code IN ('cold_water', 'hot_water'))
                   AND NOT EXISTS (SELECT 1 FROM meter_impossibility i
                      WHERE i.tenant_id = a.tenant_id AND i.account_id = a.id) ORDER BY a.number",
    ),
    (
        "holder",
        "SELECT h.surname || ' ' || h.given_name || ' ' || h.patronymic AS value FROM holder h
                WHERE h.tenant_id = $1 AND h.account_id = [account] AND h.to_on IS NULL ORDER BY h.id",
    ),
    (
        "surname",
        "SELECT h.surname_key AS value FROM holder h WHERE h.tenant_id = $1 AND h.surname_key <> '' ORDER BY h.id",
    ),
    (
        "resident",
        "SELECT r.id AS value FROM resident r WHERE r.tenant_id = $1
                  ORDER BY CASE WHEN r.email LIKE 'resident@%' THEN 0 ELSE 1 END, r.id",
    ),
    ("email", "SELECT r.email AS value FROM resident r WHERE r.tenant_id = $1 AND r.email LIKE 'resident@%'"),
    ("session", SESSION),
    (
        "grant",
        "SELECT g.id AS value FROM helper_grant g WHERE g.tenant_id = $1 AND g.account_id = [account]
               AND g.ended_at IS NULL ORDER BY g.id DESC",
    ),
    ("staff", "SELECT s.id AS value FROM staff s WHERE s.tenant_id = $1 ORDER BY s.created_at, s.id"),
    (
        "absence",
        "SELECT b.id AS value FROM absence b WHERE b.tenant_id = $1 AND b.withdrawn_at IS NULL ORDER BY b.id DESC",
    ),
    // Houses.
    ("house", "SELECT h.code AS value FROM house h WHERE h.tenant_id = $1 AND h.has_flats = TRUE ORDER BY h.code"),
    ("house_id", "SELECT h.id AS value FROM house h WHERE h.tenant_id = $1 AND h.has_flats = TRUE ORDER BY h.code"),
    ("house_number", "SELECT h.number_key AS value FROM house h WHERE h.tenant_id = $1 ORDER BY h.code"),
    (
        "house_meter",
        "SELECT h.id AS value FROM house_meter h WHERE h.tenant_id = $1 AND h.removed_on IS NULL
                     ORDER BY h.installed_on DESC, h.id DESC",
    ),
    ("house_serial", "SELECT h.serial AS value FROM house_meter h WHERE h.tenant_id = $1 ORDER BY h.id"),
    (
        "read_house_meter",
        "SELECT r.meter_id AS value FROM house_reading r WHERE r.tenant_id = $1
                          AND r.period = 202611 AND r.withdrawn_at IS NULL ORDER BY r.created_at DESC, r.id DESC",
    ),
    (
        "house_reading",
        "SELECT r.id AS value FROM house_reading r WHERE r.tenant_id = $1
                       AND r.period = 202611 AND r.withdrawn_at IS NULL ORDER BY r.created_at DESC, r.id DESC",
    ),
    (
        "stated",
        "SELECT v.service_code AS value FROM house_volume v WHERE v.tenant_id = $1
                GROUP BY v.service_code ORDER BY v.service_code",
    ),
    // Meters.
    (
        "meter",
        "SELECT m.id AS value FROM meter m WHERE m.tenant_id = $1 AND m.removed_on IS NULL
               ORDER BY CASE WHEN m.id = [meter] THEN 0 ELSE 1 END, m.id",
    ),
    (
        "value",
        "SELECT CAST(max(r.value_t1) / 10000000 + 1 AS text) AS value FROM reading r
               WHERE r.tenant_id = $1 AND r.withdrawn_at IS NULL AND r.meter_id = [meter] GROUP BY r.meter_id",
    ),
    ("serial", "SELECT m.serial AS value FROM meter m WHERE m.tenant_id = $1 ORDER BY m.id"),
    ("free_meter", "SELECT m.id AS value FROM meter m WHERE m.tenant_id = $1 AND m.id = [free meter]"),
    (
        "free_value",
        "SELECT CAST(max(r.value_t1) / 10000000 + 1 AS text) AS value FROM reading r
                    WHERE r.tenant_id = $1 AND r.withdrawn_at IS NULL AND r.meter_id = [free meter]
                    GROUP BY r.meter_id",
    ),
    ("read_meter", "SELECT r.meter_id AS value [taken down]"),
    ("reading", "SELECT r.id AS value [taken down]"),
    ("read_value", "SELECT CAST(r.value_t1 / 10000000 + 1 AS text) AS value [taken down]"),
    (
        "faulty_meter",
        "SELECT f.meter_id AS value FROM meter_fault f WHERE f.tenant_id = $1 ORDER BY f.since DESC, f.meter_id",
    ),
    (
        "impossibility",
        "SELECT i.id AS value FROM meter_impossibility i WHERE i.tenant_id = $1 AND i.ended_on IS NULL
                       ORDER BY i.id DESC",
    ),
    ("photo", "SELECT p.id AS value FROM reading_photo p WHERE p.tenant_id = $1 ORDER BY p.id"),
    ("photo_meter", "SELECT p.meter_id AS value FROM reading_photo p WHERE p.tenant_id = $1 ORDER BY p.id"),
    // Money.
    (
        "service",
        "SELECT s.code AS value FROM service s WHERE s.tenant_id = $1
                 ORDER BY CASE s.code WHEN 'waste' THEN 0 WHEN 'heating' THEN 1 ELSE 2 END, s.code",
    ),
    (
        "owed",
        "SELECT c.service_code AS value FROM charge c
              JOIN billing_run b ON b.tenant_id = c.tenant_id AND b.id = c.run_id AND b.state = 'published'
              WHERE c.tenant_id = $1 AND c.account_id = [account] ORDER BY b.period DESC, c.to_pay DESC",
    ),
    ("kind", "SELECT k.code AS value FROM receipt_kind k WHERE k.tenant_id = $1 ORDER BY k.code"),
    (
        "period",
        "SELECT substr(CAST(b.period AS text), 1, 4) || '-' || substr(CAST(b.period AS text), 5, 2) AS value
                FROM billing_run b WHERE b.tenant_id = $1 AND b.state = 'published' ORDER BY b.period DESC",
    ),
    (
        "run",
        "SELECT b.id AS value FROM billing_run b WHERE b.tenant_id = $1 AND b.state = 'published' ORDER BY b.period DESC",
    ),
    (
        "new_run",
        "SELECT b.id AS value FROM billing_run b WHERE b.tenant_id = $1
                 ORDER BY b.period DESC, b.started_at DESC, b.id DESC",
    ),
    (
        "template",
        "SELECT t.hash AS value FROM receipt_template t WHERE t.tenant_id = $1 ORDER BY t.installed_at, t.hash",
    ),
    ("printout", "SELECT p.id AS value FROM printout p WHERE p.tenant_id = $1 ORDER BY p.asked_at DESC, p.id DESC"),
    (
        "plan",
        "SELECT p.id AS value FROM instalment_plan p WHERE p.tenant_id = $1 AND p.cancelled_at IS NULL ORDER BY p.id DESC",
    ),
    ("award", "SELECT w.id AS value FROM court_award w WHERE w.tenant_id = $1 ORDER BY w.id DESC"),
    (
        "benefit",
        "SELECT b.id AS value FROM benefit b WHERE b.tenant_id = $1 AND b.to_period IS NULL ORDER BY b.id DESC",
    ),
    (
        "correction",
        "SELECT c.id AS value FROM recalculation c WHERE c.tenant_id = $1 AND c.withdrawn_at IS NULL
                    AND c.agreement_id IS NULL ORDER BY c.recorded_at DESC, c.id DESC",
    ),
    ("paid_service", "SELECT s.code AS value FROM paid_service s WHERE s.tenant_id = $1 ORDER BY s.code"),
    // Requests, notices, refusals of paper.
    ("request", "[request] ORDER BY q.id DESC"),
    ("new_request", "[request] AND q.state = 'new' ORDER BY q.id DESC"),
    ("open_request", "[request] AND q.state NOT IN ('new', 'done', 'declined') ORDER BY q.id DESC"),
    ("done_request", "[request] AND q.state = 'done' ORDER BY q.closed_at DESC, q.id DESC"),
    ("notice", NOTICE),
    ("draft", "SELECT m.id AS value FROM message m WHERE m.tenant_id = $1 AND m.state = 'draft' ORDER BY m.id DESC"),
    ("message", "SELECT m.id AS value FROM message m WHERE m.tenant_id = $1 AND m.occasion IS NULL ORDER BY m.id DESC"),
];

/// Things that stand beside another one.
const PAIRS: [(&str, &str); 4] = [
    ("file", "SELECT f.id AS value FROM request_file f WHERE f.tenant_id = $1 ORDER BY f.id DESC"),
    ("request_with_file", "SELECT f.request_id AS value FROM request_file f WHERE f.tenant_id = $1 ORDER BY f.id DESC"),
    (
        "refusal",
        "SELECT p.id AS value FROM paper_refusal p WHERE p.tenant_id = $1 AND p.ended_at IS NULL ORDER BY p.id",
    ),
    (
        "refused",
        "SELECT p.account_id AS value FROM paper_refusal p WHERE p.tenant_id = $1 AND p.ended_at IS NULL
                 ORDER BY p.id",
    ),
];

/// The question that finds the things of this name.
pub(super) fn question(name: &str) -> String {
    let found = THINGS.iter().chain(&PAIRS).find(|(known, _)| *known == name);
    let (_, sql) = found.unwrap_or_else(|| panic!("no question finds {{{name}}}"));
    let parts = [
        ("[request]", REQUEST),
        ("[taken down]", TAKEN_DOWN),
        ("[free meter]", FREE_METER),
        ("[meter]", METER),
        ("[account]", ACCOUNT),
    ];
    parts.iter().fold((*sql).to_owned(), |sql, (part, text)| sql.replace(part, text))
}

/// The names of all things.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    THINGS.iter().chain(&PAIRS).map(|(name, _)| *name)
}
