// How the types of an app are put together: columns as the Supabase CLI finds them in the database, rows and functions as this package
// describes them.

/** What a column of type jsonb holds. */
export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

/** What a column of type jsonb holds that is an object. */
export type JsonObject = { [key: string]: Json | undefined };

type Table = { Row: object; Insert: object; Update: object; Relationships: unknown[] };

/** Columns for writing: named and optional as the CLI says, typed as the row is; `never` stays (a column that only the database writes). */
type Written<Columns, Row, Accepted> = {
    [Column in keyof Columns]: [NonNullable<Columns[Column]>] extends [never]
        ? Columns[Column]
        : Column extends keyof Accepted
          ? Accepted[Column]
          : Column extends keyof Row
            ? Row[Column]
            : Columns[Column];
};

/** Tables with narrower rows. `Accepts` has, by table, the columns that take more than they give. */
type Tables<Generated, Rows, Accepts> = {
    [Name in keyof Generated]: Generated[Name] extends Table
        ? Name extends keyof Rows
            ? {
                  Row: Rows[Name];
                  Insert: Written<Generated[Name]['Insert'], Rows[Name], Name extends keyof Accepts ? Accepts[Name] : {}>;
                  Update: Written<Generated[Name]['Update'], Rows[Name], Name extends keyof Accepts ? Accepts[Name] : {}>;
                  Relationships: Generated[Name]['Relationships'];
              }
            : Generated[Name]
        : never;
};

/** One schema of a `Database`, as `createClient` takes it. */
export type AppSchema<Generated, Rows, Functions, Accepts = {}> = {
    Tables: Tables<Generated, Rows, Accepts>;
    Views: { [_ in never]: never };
    Functions: Functions;
    Enums: { [_ in never]: never };
    CompositeTypes: { [_ in never]: never };
};

/** Arguments of a function that takes none. */
export type NoArguments = Record<PropertyKey, never>;
