import java.nio.charset.StandardCharsets;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * Runs SQL statements from standard input, parted by lines that hold only a semicolon, in a Flink
 * of this process (job manager, task manager and one slot), until the last statement has ended.
 *
 * <p>Argument: seconds between checkpoints, and so between commits. The statements come through a
 * pipe because they hold credentials.
 */
public final class FlinkSql {
  public static void main(String[] arguments) throws Exception {
    long seconds = Long.parseLong(arguments[0]);
    String script = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, new Configuration());
    environment.enableCheckpointing(seconds * 1000);
    StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
    String[] statements = script.split("\n;\n");
    for (int at = 0; at < statements.length - 1; at++) {
      tables.executeSql(statements[at]);
    }
    tables.executeSql(statements[statements.length - 1]).await();
  }
}
