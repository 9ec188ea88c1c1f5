// query.mjs SQL...: answers of DuckDB to queries, an array of rows each, as JSON.
import { DuckDBInstance } from '@duckdb/node-api';

const db = await (await DuckDBInstance.create(':memory:')).connect();
const answers = [];
for (const sql of process.argv.slice(2)) {
  answers.push((await db.runAndReadAll(sql)).getRowsJson());
}
console.log(JSON.stringify(answers));
