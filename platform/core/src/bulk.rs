//! Many rows in one INSERT, and many keys in one condition.
//!
//! SQLite takes them as rows of parameters. PostgreSQL takes one array a column: the text of the statement is the same
//! for any number of rows, so that a connection parses and plans it once, not a new text of thousands of parameters
//! every time.

use sea_orm::sea_query::SimpleExpr;
use sea_orm::sea_query::postgres_array::NotU8;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityName, EntityTrait,
    IdenStatic, Iterable, Statement, Value,
};

/// Inserts the rows in one statement; all of them set the same columns, and there is at least one.
pub(crate) async fn insert<A>(tx: &DatabaseTransaction, rows: Vec<A>) -> Result<(), DbErr>
where
    A: ActiveModelTrait + Send,
{
    match tx.get_database_backend() {
        DbBackend::Postgres => tx.execute_raw(by_arrays(rows)?).await.map(drop),
        _ => A::Entity::insert_many(rows).exec_without_returning(tx).await.map(drop),
    }
}

/// The condition that a column has one of these values.
pub(crate) fn among<C, V>(backend: DbBackend, column: C, values: impl IntoIterator<Item = V>) -> SimpleExpr
where
    C: ColumnTrait,
    V: Into<Value> + NotU8,
{
    match backend {
        DbBackend::Postgres => column.eq_any(values),
        _ => column.is_in(values),
    }
}

/// A column of the rows.
struct Column {
    name: &'static str,
    values: Vec<Value>,
    /// Which of them are NULL, where any is: arrays of sea-query have none.
    nulls: Option<Vec<Value>>,
}

impl Column {
    fn new(name: &'static str, mut values: Vec<Value>) -> Self {
        let null = values.first().map(Value::as_null);
        let is_null = |value: &Value| Some(value) == null.as_ref();
        if !values.iter().any(is_null) {
            return Self { name, values, nulls: None };
        }
        let nulls = values.iter().map(|value| Value::from(is_null(value))).collect();
        for value in values.iter_mut().filter(|value| is_null(value)) {
            *value = value.dummy_value();
        }
        Self { name, values, nulls: Some(nulls) }
    }
}

fn by_arrays<A: ActiveModelTrait>(mut rows: Vec<A>) -> Result<Statement, DbErr> {
    let count = rows.len();
    let mut columns = Vec::new();
    for column in <A::Entity as EntityTrait>::Column::iter() {
        let values: Vec<Value> = rows.iter_mut().filter_map(|row| row.take(column).into_value()).collect();
        match values.len() {
            0 => {}
            all if all == count => columns.push(Column::new(column.as_str(), values)),
            _ => return Err(DbErr::Custom(format!("some of the rows do not set {}", column.as_str()))),
        }
    }
    let table = A::Entity::default().table_name().to_owned();
    Ok(statement(&table, columns))
}

fn statement(table: &str, columns: Vec<Column>) -> Statement {
    let (mut into, mut select, mut names, mut arrays) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut array = |name: String, values: Vec<Value>| {
        names.push(name);
        let kind = values.first().map_or(sea_orm::sea_query::ArrayType::Bool, Value::array_type);
        arrays.push(Value::Array(kind, Some(Box::new(values))));
    };
    for Column { name, values, nulls } in columns {
        into.push(format!("\"{name}\""));
        array(format!("\"{name}\""), values);
        match nulls {
            None => select.push(format!("u.\"{name}\"")),
            Some(nulls) => {
                select.push(format!("CASE WHEN u.\"{name}?\" THEN NULL ELSE u.\"{name}\" END"));
                array(format!("\"{name}?\""), nulls);
            }
        }
    }
    let places: Vec<String> = (1..=arrays.len()).map(|place| format!("${place}")).collect();
    let sql = format!(
        "INSERT INTO \"{table}\" ({}) SELECT {} FROM unnest({}) AS u({})",
        into.join(", "),
        select.join(", "),
        places.join(", "),
        names.join(", ")
    );
    Statement::from_sql_and_values(DbBackend::Postgres, sql, arrays)
}
